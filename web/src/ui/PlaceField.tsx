import { knownPlaces } from "../scan/kept";
import { useLoaded } from "./loaded";
import { nameOf } from "./words";

interface Props {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** One of the caller's places; typed as a GLN where the list cannot be had or is empty. */
export function PlaceField({ id, label, value, onChange }: Props) {
  const { value: places, failures } = useLoaded(knownPlaces, []);
  const edit = (event: Event & { currentTarget: HTMLInputElement | HTMLSelectElement }): void => onChange(event.currentTarget.value.trim());
  const listed = (places ?? []).length > 0;
  return (
    <>
      <label for={id}>{label}</label>
      {listed || (places === null && failures.length === 0) ? (
        <select id={id} required value={value} disabled={places === null} onChange={edit}>
          <option value="">{places === null ? "Loading the places…" : "Choose a place"}</option>
          {(places ?? []).map((place) => (
            <option key={place.id} value={place.id}>
              {nameOf(place.id, place.name === null ? {} : { [place.id]: place.name })}
            </option>
          ))}
        </select>
      ) : (
        <input id={id} required value={value} onInput={edit} placeholder="GLN (13 digits)" autocomplete="off" />
      )}
    </>
  );
}
