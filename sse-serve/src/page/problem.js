// What a refusing response says (RFC 9457).

const LENGTH_MAX = 64 << 10;

/** Its `detail`, else its status; the body is read up to a limit. */
export async function problemOf(response) {
  const status = `${response.status} ${response.statusText}`.trim();
  try {
    if (essence(response) !== "application/problem+json") return status;
    const { detail } = JSON.parse(await start(response));
    return typeof detail === "string" ? `${status}: ${detail}` : status;
  } catch {
    return status;
  }
}

/** The media type without its parameters, in lower case. */
export function essence(response) {
  return (response.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}

async function start(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length > LENGTH_MAX) {
      reader.cancel();
      throw new RangeError("too long");
    }
  }
}
