"use strict";

const ANSWERS = { s: "same", d: "different", u: "unsure" };
const WAYS = { n: "next", p: "previous", o: "open", m: "mask" };
const form = document.querySelector("form.answer");

const chosen = () => form?.querySelector("[name=answer]:checked")?.value;

function choose(answer) {
  form.querySelector(`[name=answer][value=${answer}]`).checked = true;
  form.querySelectorAll("[name=reason]").forEach((box) => { box.checked = false; });
}

function reason(number) {
  const box = form.querySelector(`[name=reason][value="${chosen()} ${number}"]`);
  if (!box) return;
  box.checked = true;
  form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.matches("input[type=text]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.toLowerCase();
  if (key === "?") {
    const help = document.getElementById("help");
    if (help) help.open = !help.open;
  } else if (key in WAYS) {
    document.getElementById(WAYS[key])?.click();
  } else if (form && key in ANSWERS) {
    choose(ANSWERS[key]);
  } else if (form && chosen() && key === "w") {
    event.preventDefault();
    form.querySelector("[name=why]").focus();
  } else if (form && chosen() && /^[1-9]$/.test(key)) {
    reason(key);
  } else if (form && key === "escape") {
    form.reset();
  }
});

// One press, one answer: a second Enter must not send the next page's form.
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
