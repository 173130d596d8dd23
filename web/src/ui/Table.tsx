/** Tables and the blocks of an answer that hold them: one look, one way to scroll, one way to say that there is nothing. */

import type { ComponentChildren } from "preact";
import { Scroller } from "./parts";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  /**
   * Figures stand at the right; codes in letters that cannot be mistaken for each other; what is whole is on one line;
   * names have the room for more than a word.
   */
  kind?: "number" | "code" | "whole" | "name";
  /** The column explains itself by its buttons: its title is for screen readers. */
  unseen?: boolean;
}

/** What marks a whole row. */
export interface RowMarks {
  class?: string;
  "data-testid"?: string;
  "data-status"?: string;
  "data-item"?: string;
}

export interface TableProps<Row> {
  /** What the table is of, for those who cannot see where it stands. */
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf?: (row: Row, index: number) => string | number;
  marks?: (row: Row) => RowMarks;
  class?: string;
}

const classOf = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(" ");

export function Table<Row>({ name, columns, rows, keyOf = (_row, index) => index, marks, class: look }: TableProps<Row>) {
  return (
    <Scroller name={name}>
      <table class={classOf(look)}>
        <thead>
          <tr>
            {columns.map(({ title, kind, unseen }) => (
              <th key={title} scope="col" class={classOf(kind === "number" && kind)}>
                {unseen ? <span class="sr-only">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={keyOf(row, index)} {...marks?.(row)}>
              {columns.map(({ title, kind, cell }) => (
                <td key={title} class={classOf(kind)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

interface BlockProps {
  title: string;
  /** How much of it there is, at the end of the title's line. */
  total?: number | string;
  /** A part of an article has a smaller title. */
  small?: boolean;
  children: ComponentChildren;
}

/** One part of an answer, with its title. */
export function AnswerBlock({ title, total, small = false, children }: BlockProps) {
  const words = (
    <>
      <span>{title}</span> {total !== undefined && <span class="total">{total}</span>}
    </>
  );
  return (
    <section class="place-group">
      {small ? <h3>{words}</h3> : <h2>{words}</h2>}
      {children}
    </section>
  );
}

interface TableBlockProps<Row> extends Omit<TableProps<Row>, "name"> {
  title: string;
  total?: number | string;
  small?: boolean;
  name?: string;
  /** What is said where there are no rows; without it the block is left out then. */
  nothing?: string;
}

/** A part of an answer that is a table. */
export function TableBlock<Row>({ title, total, small = false, name = title, nothing, ...table }: TableBlockProps<Row>) {
  if (table.rows.length === 0 && nothing === undefined) return null;
  return (
    <AnswerBlock title={title} small={small} {...(total === undefined ? {} : { total })}>
      {table.rows.length === 0 ? <p class="quiet">{nothing}</p> : <Table name={name} {...table} />}
    </AnswerBlock>
  );
}
