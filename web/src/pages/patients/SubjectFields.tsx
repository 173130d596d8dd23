import { Segments } from "../../ui/Segments";
import { type Asked, type Subject, SUBJECTS } from "./questions";

interface Props {
  subject: Subject;
  asked: Asked;
  /** Subjects that may be asked for, in this order. */
  subjects?: readonly Subject[];
  onSubject: (subject: Subject) => void;
  onAsked: (asked: Asked) => void;
}

/** Whom or what to look up. The browser is told to remember none of it. */
export function SubjectFields({ subject, asked, subjects = ["patient", "item", "lot"], onSubject, onAsked }: Props) {
  const edit = (field: keyof Asked) => (event: Event & { currentTarget: HTMLInputElement }) => onAsked({ ...asked, [field]: event.currentTarget.value });
  return (
    <>
      <Segments legend="Look up by" options={SUBJECTS.filter(([one]) => subjects.includes(one))} value={subject} onChange={onSubject} />
      <div class="fields">
        {subject === "patient" && (
          <label>
            Patient's number (GSRN)
            <input required inputMode="numeric" autocomplete="off" spellcheck={false} maxLength={200} value={asked.patient} onInput={edit("patient")} placeholder="18 digits of the wristband" />
          </label>
        )}
        {subject === "item" && (
          <label>
            Item
            <input required autocomplete="off" spellcheck={false} maxLength={200} value={asked.item} onInput={edit("item")} placeholder="https://id.gs1.org/01/…/21/…" />
          </label>
        )}
        {subject === "lot" && (
          <>
            <label>
              GTIN
              <input required inputMode="numeric" autocomplete="off" pattern="\s*\d{8,14}\s*" title="8 to 14 digits" value={asked.gtin} onInput={edit("gtin")} />
            </label>
            <label>
              Lot
              <input required autocomplete="off" maxLength={20} value={asked.lot} onInput={edit("lot")} />
            </label>
          </>
        )}
      </div>
    </>
  );
}
