// Asks a passkey to sign an approval, or makes a new one.  What the person reads is what is
// signed: the text comes from the database, its SHA-256 is the challenge, and this script
// computes that itself before it shows the text.
//
// <form data-passkey="approve" data-options="URL" data-what="900.00 EUR" method="post">
//   ... relation, key, reason, assertion (hidden, empty); a <dialog> with [data-signed],
//   [data-sign], [data-cancel]; [data-passkey-error]
//   data-says="You have found": it is no approval
// <form data-passkey="register" data-options="URL" method="post"> ... assertion ...
"use strict";
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const credentials = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

  // what toJSON gives, in browsers that lack it too
  const told = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"])
      if (credential.response[name]) response[name] = text(credential.response[name]);
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
  };

  const ask = async (form) => {
    const answer = await fetch(form.dataset.options, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail || "The server has answered with an error.");
    return said;
  };

  // The options to sign, and the words that are signed; an error where they are not one.
  const checked = async (asked, expected) => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked.content));
    if (text(hash) !== asked.publicKey.challenge)
      throw new Error("What the page was given to show is not what would be signed. Nothing was signed; tell whoever runs the system.");
    const content = JSON.parse(asked.content);
    if (expected && !content.approves.every((a) => a.what === expected || a.what.startsWith(expected + " ")))
      throw new Error("This has changed since the page was made, or the page shows something else than what would be signed: "
        + content.approves.map((a) => a.what).join("; ") + ". Nothing was signed; reload the page and look again.");
    return content;
  };

  const show = (place, content, says) => {
    place.replaceChildren();
    const line = (name, value) => {
      const term = document.createElement("dt"), words = document.createElement("dd");
      term.textContent = name;
      words.textContent = value;
      place.append(term, words);
    };
    for (const part of content.approves) {
      line(says || "You approve", part.what);
      line(says ? "Done by" : "Requested by", part.requested_by.join(", ") || "nobody who is named");
      if (part.changed_by) line("Changed by", part.changed_by.join(", "));
      line("Good for", part.valid_seconds >= 3600 ? `${+(part.valid_seconds / 3600).toFixed(1)} h, once` : `${Math.ceil(part.valid_seconds / 60)} min, once`);
    }
    line("Of", `${content.schema}.${content.table}, key ${content.key}`);
    line("You are", content.approver);
    line("Sign until", new Date(content.challenge_expires * 1000).toLocaleTimeString());
  };

  const approve = async (form) => {
    const asked = await ask(form);
    const dialog = document.getElementById(form.dataset.dialog);
    show(dialog.querySelector("[data-signed]"), await checked(asked, form.dataset.what), form.dataset.says);
    const yes = await new Promise((decide) => {
      dialog.querySelector("[data-sign]").onclick = () => decide(true);
      dialog.querySelector("[data-cancel]").onclick = () => decide(false);
      dialog.oncancel = () => decide(false);
      dialog.showModal();
    });
    dialog.close();
    if (!yes) return null;
    const { publicKey } = asked;
    return navigator.credentials.get({
      publicKey: { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: credentials(publicKey.allowCredentials) },
    });
  };

  const register = async (form) => {
    const { publicKey } = await ask(form);
    return navigator.credentials.create({
      publicKey: {
        ...publicKey, challenge: bytes(publicKey.challenge),
        user: { ...publicKey.user, id: bytes(publicKey.user.id) },
        excludeCredentials: credentials(publicKey.excludeCredentials),
      },
    });
  };

  const words = (error) =>
    error.name === "NotAllowedError" ? "Nothing was signed: the passkey was not used, or it took too long."
      : error.name === "InvalidStateError" ? "This device has a passkey of yours already."
      : error.message;

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-passkey-error]");
    if (!window.PublicKeyCredential || !window.isSecureContext) {
      problem.textContent = "This browser, or this connection, has no passkeys.";
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const buttons = form.querySelectorAll("button");
      buttons.forEach((b) => { b.disabled = true; });
      try {
        const credential = await { approve, register }[form.dataset.passkey](form);
        if (credential) {
          form.elements.assertion.value = JSON.stringify(told(credential));
          form.submit();
          return;
        }
      } catch (error) {
        problem.textContent = words(error);
      }
      buttons.forEach((b) => { b.disabled = false; });
    });
  }
})();
