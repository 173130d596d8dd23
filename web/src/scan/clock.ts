/** The device's clock as the events need it. */

const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, "0");

/** `+02:00`: the device's offset from UTC at that instant. */
export function offsetOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(Math.abs(minutes) % 60)}`;
}

/** `2026-03-12`: the device's own calendar day. */
export function localDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Instant and offset of an event: `2026-03-12T11:42:00.000+01:00` and `+01:00`. */
export function eventTimeOf(date: Date): { eventTime: string; eventTimeZoneOffset: string } {
  const offset = offsetOf(date);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  return { eventTime: local + offset, eventTimeZoneOffset: offset };
}
