// Molt's client in TypeScript, as built, at the place that is given: a busy server, and refusals.
const [, , url, client] = process.argv;
const { answered, connect, MoltError } = await import(client);

const body = { query: "warm boots", collection: "shop", k: 2, mode: "lexical" };
const soon = { "retry-after": "0" };

const statuses = [429, 503, 200];
let asked = 0;
const patient = connect({
  url,
  fetch: async (request) => {
    const status = statuses[asked++];
    return status === 200 ? fetch(request) : new Response("{}", { status, headers: soon });
  },
});
const found = await answered(patient.POST("/search", { body }));

const elsewhere = { ...body, collection: "none" };
const wrong = await answered(connect({ url }).POST("/search", { body: elsewhere })).catch((error) => error);

const overloaded = JSON.stringify({ type: "urn:molt:problem:overloaded", detail: "later" });
const refusing = async () => new Response(overloaded, { status: 429, headers: soon });
const refused = await answered(
  connect({ url, attempts: 2, fetch: refusing }).GET("/collections"),
).catch((error) => error);

let stopped = 0;
const stopping = async () => (stopped++, new Response('{"error": "stops"}', { status: 503, headers: soon }));
const once = await answered(
  connect({ url, fetch: stopping }).POST("/admin/rollback", { body: { collection: "shop" } }),
).catch((error) => error);

console.log(
  JSON.stringify({
    asked,
    ids: found.hits.map((hit) => hit.id),
    wrong: [wrong instanceof MoltError, wrong.status, wrong.code],
    refused: [refused.code, refused.message],
    once: [stopped, once.message],
  }),
);
