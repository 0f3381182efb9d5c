/** Typed client of Molt: every route of its OpenAPI document, in browsers and in Node.js. */

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";
export type SearchAnswer = components["schemas"]["SearchResult"];

export interface Options {
  /** Where Molt serves; in a page of another origin, `cors.origins` has to name that page's. */
  url: string;
  /** One of Molt's keys. A key in a page is everybody's: give it the role `read`, and its collections. */
  apiKey?: string;
  /** How often a request is sent in place of once, while the server is busy. */
  attempts?: number;
  /** What sends requests; `fetch` by default. */
  fetch?: (request: Request) => Promise<Response>;
}

/** What a server refused: its `code` is one of those in Molt's documentation. */
export class MoltError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly problem: unknown,
  ) {
    super(`${detail} (${status} ${code})`);
    this.name = "MoltError";
  }
}

const OVERLOADED = 429;
const UNAVAILABLE = 503;
/** What is posted there is done twice where it is asked for twice. */
const ONCE = /\/(events|collections|admin\/[^?]*)$/;
const LONGEST_MS = 30_000;

/** A client whose methods are those of openapi-fetch: `GET`, `POST` … by path, typed. */
export function connect(options: Options): Client<paths> {
  const { url, apiKey, attempts = 6, fetch: send = (request) => globalThis.fetch(request) } = options;
  return createClient<paths>({
    baseUrl: url,
    headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
    fetch: (request) => patiently(send, request, attempts),
  });
}

/** The body of an answer; throws `MoltError` where the server refused. */
export async function answered<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  throw errorOf(response, error);
}

function errorOf(response: Response, problem: unknown): MoltError {
  const told = (problem ?? {}) as Record<string, unknown>;
  const said = told["error"]; // an object as OpenAI has it, a sentence as text-embeddings-inference has it
  const inner = typeof said === "string" ? { message: said } : (said as Record<string, unknown> | undefined);
  const type = String(told["type"] ?? "").replace("urn:molt:problem:", "");
  const code = String(inner?.["code"] ?? (type || "unknown"));
  const detail = String(inner?.["message"] ?? told["detail"] ?? response.statusText);
  return new MoltError(response.status, code, detail, problem);
}

async function patiently(
  send: (request: Request) => Promise<Response>,
  request: Request,
  attempts: number,
): Promise<Response> {
  for (let made = 1; ; made++) {
    const response = await send(request.clone());
    if (!isAskedAgain(request, response) || made >= attempts) return response;
    await pause(response, made, request.signal);
  }
}

/** One that is overloaded has done nothing; one that stops may still do what it gave up waiting for. */
function isAskedAgain(request: Request, response: Response): boolean {
  const once = request.method === "POST" && ONCE.test(new URL(request.url).pathname);
  return response.status === OVERLOADED || (response.status === UNAVAILABLE && !once);
}

/** Wait as long as the server says; else twice as long each time, less a random part of a half. */
function pause(response: Response, made: number, signal: AbortSignal): Promise<void> {
  const asked = Number(response.headers.get("retry-after") ?? NaN) * 1000;
  const doubled = 200 * 2 ** (made - 1) * (0.5 + Math.random() / 2);
  const milliseconds = Math.min(Number.isFinite(asked) ? asked + 250 * Math.random() : doubled, LONGEST_MS);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
