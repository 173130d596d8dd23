import type { OrganisationForm } from "./organisation";

interface Props {
  form: OrganisationForm;
  onChange: (form: OrganisationForm) => void;
}

/** The three fields that describe an organisation. */
export function OrganisationFields({ form, onChange }: Props) {
  const edit = (field: keyof OrganisationForm) => (event: Event & { currentTarget: HTMLInputElement }) =>
    onChange({ ...form, [field]: event.currentTarget.value });
  return (
    <>
      <label for="organisation-name">Name</label>
      <input id="organisation-name" required maxLength={200} value={form.name} onInput={edit("name")} placeholder="Northgate Hospital" />
      <label for="organisation-gln">Party GLN</label>
      <input id="organisation-gln" required inputMode="numeric" value={form.gln} onInput={edit("gln")} placeholder="4012345000009" />
      <label for="organisation-prefix">GS1 company prefix, if it has one</label>
      <input
        id="organisation-prefix"
        value={form.companyPrefix}
        onInput={edit("companyPrefix")}
        pattern="[0-9]{4,12}([\s,;]+[0-9]{4,12})*"
        title="4 to 12 digits; several are parted by commas"
        placeholder="4012345"
      />
    </>
  );
}

/** A key that is shown once: selectable, and with a word on what it is. */
export function NewKeyText({ text }: { text: string }) {
  return (
    <p>
      <code class="new-key" data-testid="new-key">
        {text}
      </code>
      It is shown only now. Keep it where passwords are kept.
    </p>
  );
}
