// OpenAI's own client for JavaScript, asked for a model by OpenAI's name for it.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none" });
const ask = (input) => client.embeddings.create({ model: "text-embedding-3-small", input });
const documents = await ask(["warm waterproof boots", "a tent for two", "boots that keep the feet dry"]);
const query = await ask("a tent");
console.log(JSON.stringify({
  documents: documents.data.map((one) => one.embedding),
  query: query.data[0].embedding,
}));
