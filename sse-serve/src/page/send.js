// The form that publishes.

import { element } from "./dom.js";
import { problemOf } from "./problem.js";
import { authorization, BadToken } from "./token.js";

export function setUpSending() {
  const form = document.querySelector("#send form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter ?? form.querySelector("button"));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

async function send(button) {
  button.disabled = true;
  report("dim", "sending…");
  try {
    const response = await fetch("trigger", {
      method: "POST",
      headers: { ...authorization(), "Content-Type": "application/json" },
      body: JSON.stringify(message()),
    });
    if (response.ok) report("good", `published as ${(await response.json()).ids.join(", ")}`);
    else report("bad", await problemOf(response));
  } catch (error) {
    report("bad", error instanceof BadToken ? error.message : "no answer: is the server up?");
  }
  button.disabled = false;
}

function message() {
  const body = {
    data: element("send-data").value,
    format: element("send-json").checked ? "json" : "string",
  };
  for (const [field, id] of [["event", "send-type"], ["topic", "send-topic"], ["session", "send-session"]]) {
    if (element(id).value !== "") body[field] = element(id).value;
  }
  return body;
}

function report(tone, text) {
  const sent = element("sent");
  sent.dataset.tone = tone;
  sent.textContent = text;
}
