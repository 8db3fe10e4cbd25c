// Forms that are filled in by a passkey: data-passkey says whether one signs (get) or is
// made (create), data-options where what is asked of it comes from, data-party the site
// it belongs to. The answer goes into the form's field assertion or passkey, which is
// then sent as any form is. Without this module, or without passkeys, the forms stay
// hidden and the fields beside them do all there is to do.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// asked turns the server's options into what the browser wants: WebAuthn section 5.1.8
// and 5.1.9, for browsers that do not do so themselves.
function asked(options) {
  const ids = (list) => (list ?? []).map((c) => ({ ...c, id: decode(c.id) }));
  const out = { ...options, challenge: decode(options.challenge) };
  if (options.user) out.user = { ...options.user, id: decode(options.user.id) };
  if (options.excludeCredentials) out.excludeCredentials = ids(options.excludeCredentials);
  if (options.allowCredentials) out.allowCredentials = ids(options.allowCredentials);
  return out;
}

// answered is a credential as JSON: section 5.1, toJSON.
function answered(credential) {
  const r = credential.response;
  const response = { clientDataJSON: encode(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = encode(r.attestationObject);
    response.transports = r.getTransports?.() ?? [];
  } else {
    response.authenticatorData = encode(r.authenticatorData);
    response.signature = encode(r.signature);
    if (r.userHandle) response.userHandle = encode(r.userHandle);
  }
  return JSON.stringify({
    id: credential.id, rawId: encode(credential.rawId), type: credential.type, response,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined, clientExtensionResults: {},
  });
}

const words = {
  NotAllowedError: "The passkey was not used. Try again, or use your password.",
  InvalidStateError: "This device has a passkey for this account already.",
  SecurityError: "Passkeys do not work at this address of the site.",
};

async function fill(form) {
  const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}. Load the page again.`);
  const { publicKey, ceremony } = await answer.json();
  const makes = form.dataset.passkey === "create";
  const ask = { publicKey: asked(publicKey) };
  const credential = await (makes ? navigator.credentials.create(ask) : navigator.credentials.get(ask));
  form.elements.ceremony.value = ceremony;
  form.elements[makes ? "passkey" : "assertion"].value = answered(credential);
}

function begin(form) {
  const button = form.querySelector("button");
  const fault = form.querySelector("[data-fault]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.hidden = true;
    try {
      await fill(form);
      form.submit();
    } catch (error) {
      fault.textContent = words[error.name] ?? error.message;
      fault.hidden = false;
      button.focus();
    } finally {
      button.disabled = false;
    }
  });
}

const here = location.hostname;
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const party = form.dataset.party;
  if (window.PublicKeyCredential && (here === party || here.endsWith(`.${party}`))) {
    begin(form);
    for (const hint of document.querySelectorAll("[data-no-passkey]")) hint.hidden = true;
  }
}
