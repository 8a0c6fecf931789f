// The texts that wait to be corrected, one after another, and those that were passed over.

import { ask } from "./api.js";

const TAB = "posner-tab";
const MOST = 200; // texts that a request names as passed over

export class Queue {
  constructor() {
    this.passed = []; // the numbers of texts that were shown and not saved
  }

  /** The next text for this person, or undefined. */
  async next(who) {
    const query = new URLSearchParams({ who: who || someone(), limit: 1 });
    for (const id of this.passed.slice(-MOST)) query.append("skip", id);
    const [next] = await ask(`/queue?${query}`);
    if (next) this.passed.push(next.id);
    return next;
  }

  /** A text was saved. */
  done(id) {
    this.passed = this.passed.filter((other) => other !== id);
  }

  /** Begin again; returns how many were passed over. */
  restart() {
    return this.passed.splice(0).length;
  }
}

/** What the service calls somebody without a name: each tab by another one. */
function someone() {
  const number = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const name = sessionStorage.getItem(TAB) || `someone-${number}`;
  sessionStorage.setItem(TAB, name);
  return name;
}
