// Times, sizes and durations as people read them.

export function time(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export function size(bytes) {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = -1;
  do {
    bytes /= 1_024;
    unit += 1;
  } while (bytes >= 1_000 && unit < units.length - 1);
  return `${bytes.toFixed(1)} ${units[unit]}`;
}

/** Of milliseconds. */
export function duration(millis) {
  const seconds = Math.max(millis, 0) / 1_000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** The same, of an age. */
export function ago(millis) {
  return millis < 1_000 ? "now" : `${duration(Math.floor(millis / 1_000) * 1_000).replace(".0", "")} ago`;
}

export function number(value) {
  return value.toLocaleString("en");
}

export function rate(perSecond) {
  return perSecond < 100 ? perSecond.toFixed(1) : number(Math.round(perSecond));
}
