interface Props<T extends string> {
  legend: string;
  options: readonly (readonly [value: T, words: string])[];
  value: T;
  onChange: (value: T) => void;
  disabled?: boolean;
}

/** A choice of one among a few, all in sight. */
export function Segments<T extends string>({ legend, options, value, onChange, disabled = false }: Props<T>) {
  return (
    <fieldset class="choice" disabled={disabled}>
      <legend class="sr-only">{legend}</legend>
      {options.map(([option, words]) => (
        <label key={option}>
          <input type="radio" name={legend} value={option} checked={value === option} onChange={() => onChange(option)} />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}
