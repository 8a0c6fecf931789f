// Text to the clipboard, on pages that have no safe origin, too.

/** Whether a text was copied. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text); // undefined over HTTP beyond localhost
    return true;
  } catch {
    return copiedByCommand(text);
  }
}

function copiedByCommand(text) {
  const box = document.createElement("textarea");
  box.className = "away";
  box.value = text;
  document.body.append(box);
  const { activeElement } = document;
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  activeElement?.focus();
  return done;
}
