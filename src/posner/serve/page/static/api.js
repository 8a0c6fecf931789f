// Requests to the service, with the key where one is asked for.

const KEY = "posner-api-key";
const PAUSES = [1, 2, 4, 8, 15, 30]; // seconds before each further try of what is overloaded
const PATIENCE = 60; // seconds that all of them may take, whatever the service asks for
const LOOK = 2; // seconds between two looks at whether the service is ready

export class ServiceError extends Error {
  constructor(status, body) {
    super(body.error || `The service answered ${status}.`);
    this.status = status;
    this.kind = body.error_type;
    this.field = body.field;
  }
}

/** Send a request; a missing key is asked for, once for all requests that need it.
 *
 * While the service is loading the request waits until it is ready, however long that takes; while
 * it has too much to do the request is sent again for a minute. `posner-waiting` says so on the
 * document. Any other failure is the caller's at once.
 */
export async function ask(path, { body, signal } = {}) {
  let waited = 0;
  for (let tries = 0; ; ) {
    const key = sessionStorage.getItem(KEY);
    const response = await send(path, key, body, signal);
    if (response.status === 401) {
      // Another request may have been given the right key meanwhile.
      if (sessionStorage.getItem(KEY) === key) await askForKey(key !== null);
      continue;
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const error = new ServiceError(response.status, answer);
    const isLoading = error.kind === "loading";
    if (!isLoading && (error.kind !== "overloaded" || waited >= PATIENCE)) throw error;
    document.dispatchEvent(new CustomEvent("posner-waiting", { detail: error.message }));
    if (isLoading) {
      await untilReady(signal);
      continue;
    }
    const asked = Math.max(PAUSES[tries] ?? PATIENCE, secondsAsked(response));
    const seconds = Math.min(asked, PATIENCE - waited);
    await pause(1000 * seconds, signal);
    waited += seconds;
    tries += 1;
  }
}

/** Wait until the service says that it is ready, or something else than that it is not. */
async function untilReady(signal) {
  for (;;) {
    await pause(1000 * LOOK, signal);
    const { status } = await send("/readyz", null, undefined, signal);
    if (status !== 503) return;
  }
}

async function send(path, key, body, signal) {
  const headers = {};
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const method = body === undefined ? "GET" : "POST";
  try {
    return await fetch(path, { method, headers, body: JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, { error: "The service cannot be reached." });
  }
}

function secondsAsked(response) {
  return Number(response.headers.get("Retry-After")) || 0;
}

let asking = null;

function askForKey(wrong) {
  asking ??= new Promise((resolve, reject) => {
    sessionStorage.removeItem(KEY);
    const dialog = document.getElementById("key");
    const input = document.getElementById("key-value");
    const told = document.getElementById("key-wrong");
    const check = (event) => {
      if (/^[!-~]+$/.test(input.value)) return; // what a header can carry
      event.preventDefault();
      told.textContent = "A key is printable ASCII without spaces.";
    };
    input.value = "";
    told.textContent = wrong ? "That is not this service's key." : "";
    dialog.returnValue = "";
    dialog.addEventListener("submit", check);
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("submit", check);
      asking = null;
      if (dialog.returnValue) sessionStorage.setItem(KEY, input.value);
      const refusal = { error: "Without its key this service does not answer; reload the page." };
      if (dialog.returnValue) resolve();
      else reject(new ServiceError(401, refusal));
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
