// contract.mjs CONFIG.json: a client made from the server's own description. For every path and method it builds a
// valid request, and checks that the answer has a documented status and the documented form, that weaker roles and
// anonymous callers are refused, and that wrong requests get the documented problem. Prints what is wrong.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const doc = await (await fetch(config.url + "/api/openapi.json")).json();
const ROLES = ["none", "viewer", "operator", "admin"];
const METHODS = ["get", "patch", "post", "delete"]; // in this order: reading first, removing last
// What cannot succeed in a fresh store, and what it says instead.
const EXPECTED = config.expected;
const failures = [];
let calls = 0;

function fail(what, why) {
  failures.push(`${what}: ${why}`);
}

// --- the documented forms; a key that is not documented is a failure although clients must bear it -------------
function closed(node) {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== "object") return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  if (copy.type === "object" && copy.properties && copy.additionalProperties === undefined && !OPEN.has(node))
    copy.additionalProperties = false;
  return copy;
}
const OPEN = new Set([doc.components.schemas.openapi_document, doc.components.schemas.inventory].filter(Boolean));
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
addFormats(ajv);
ajv.addSchema({ $id: "doc:", ...closed(doc) });
const pointer = (...parts) => "doc:#/" + parts.map((p) => encodeURIComponent(p.replace(/~/g, "~0").replace(/\//g, "~1"))).join("/");

function checkForm(what, ref, value) {
  const validate = ajv.getSchema(ref);
  if (!validate) return fail(what, `no schema ${ref}`);
  if (validate(value)) return;
  const why = validate.errors.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
  fail(what, `not the documented form (src/api/shapes.c): ${why.join("; ")}`);
}

// --- requests --------------------------------------------------------------------------------------------------
async function call(method, path, { role = "admin", body, headers = {}, stream = false } = {}) {
  const all = { ...headers };
  if (role !== "none") all.Authorization = `Bearer ${config.tokens[role]}`;
  if (body !== undefined) all["Content-Type"] ??= "application/json";
  const abort = new AbortController();
  calls++;
  const response = await fetch(config.url + path, {
    method: method.toUpperCase(),
    headers: all,
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    signal: abort.signal,
  });
  const answer = { status: response.status, headers: response.headers, type: (response.headers.get("content-type") ?? "").split(";")[0] };
  if (stream && response.status === 200) {
    answer.text = new TextDecoder().decode((await response.body.getReader().read()).value);
    abort.abort();
  } else {
    answer.text = await response.text();
  }
  if (answer.type.endsWith("json") && answer.text !== "") {
    try {
      answer.json = JSON.parse(answer.text);
    } catch {
      fail(`${method} ${path}`, "the body is not JSON");
    }
  }
  return answer;
}

function checkProblem(what, answer, status) {
  if (answer.status !== status) return fail(what, `${answer.status} instead of ${status}: ${answer.text}`);
  if (answer.type !== "application/problem+json") return fail(what, `a problem of type ${answer.type}`);
  checkForm(what, pointer("components", "schemas", "problem"), answer.json);
}

// The value of a parameter by its schema.
function valueOf(parameter) {
  const { schema, name } = parameter;
  if (name === "fields") return "id,name";
  if (config.values[name] !== undefined && schema.type === "integer") return config.values[name];
  if (name === "sort" && schema.pattern) return schema.pattern.match(/\w+/)[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.type === "integer") return Math.max(1, schema.minimum ?? 1);
  if (schema.type === "boolean") return true;
  if (schema.format === "date-time") return "2026-01-31T12:00:00Z";
  return config.values[name] ?? "x";
}

const exampleOf = (op) => structuredClone(op.requestBody?.content["application/json"]?.example);
let unique = 0;

// A fresh object of a collection, by its example made unique.
async function create(collection) {
  const op = doc.paths[`/api/${collection}`]?.post;
  if (!op) return null;
  const body = exampleOf(op) ?? {};
  unique++;
  for (const key of ["name", "hostname"]) if (typeof body[key] === "string") body[key] += `-${unique}`;
  if (body.ip_address) body.ip_address = `10.77.${unique >> 8}.${unique & 255}`;
  Object.assign(body, config.bodies[collection] ?? {});
  const answer = await call("post", `/api/${collection}`, { body });
  if (answer.status !== 201 && answer.status !== 202) return null;
  return String((answer.json.operation ?? answer.json).id ?? answer.json.name);
}

const known = { ...config.objects };
async function objectOf(collection, fresh) {
  if (fresh) return (await create(collection)) ?? known[collection] ?? "1";
  if (known[collection]) return known[collection];
  const made = await create(collection);
  if (made) return (known[collection] = made);
  const list = await call("get", `/api/${collection}`);
  const first = list.json?.items?.[0];
  return (known[collection] = String(first?.id ?? first?.name ?? "1"));
}

async function fill(path, fresh) {
  const parts = path.split("/");
  for (let i = 0; i < parts.length; i++)
    if (parts[i].startsWith("{")) parts[i] = encodeURIComponent(await objectOf(parts.slice(2, i).join("/"), fresh));
  return parts.join("/");
}

// --- the checks ------------------------------------------------------------------------------------------------
async function refusals(what, method, path, op) {
  const needed = ROLES.indexOf(op["x-role"]);
  for (let role = 0; role < needed; role++)
    checkProblem(`${what} as ${ROLES[role]}`, await call(method, path, { role: ROLES[role] }), role === 0 ? 401 : 403);
}

function required(op) {
  const headers = {};
  for (const p of op.parameters ?? []) if (p.required && p.in === "header") headers[p.name] = p.name === "If-Match" ? "*" : String(valueOf(p));
  const query = (op.parameters ?? []).filter((p) => p.required && p.in === "query").map((p) => `${p.name}=${encodeURIComponent(valueOf(p))}`);
  return { headers, query: query.length > 0 ? `?${query.join("&")}` : "" };
}

function checkAnswer(what, method, template, op, answer) {
  const status = String(answer.status);
  const documented = op.responses[status];
  if (!documented) return fail(what, `status ${status} is not documented: ${answer.text.slice(0, 300)}`);
  if (answer.status >= 400) {
    checkProblem(what, answer, answer.status);
    const expected = EXPECTED[`${method} ${template}`];
    const state = op["x-risk"] && [409, 412].includes(answer.status); // an action may not fit the state of its target
    if (expected !== answer.status && !state) fail(what, `refused: ${status} ${answer.text}`);
    return;
  }
  const media = Object.keys(documented.content ?? {})[0];
  if (!media) {
    if (answer.text !== "" && answer.status !== 304) fail(what, "a body that is not documented");
    return;
  }
  if (answer.type !== media) fail(what, `type ${answer.type} instead of ${media}`);
  if (media === "application/json")
    checkForm(what, pointer("paths", template, method, "responses", status, "content", media, "schema"), answer.json);
  for (const header of Object.keys(documented.headers ?? {}))
    if (!answer.headers.has(header)) fail(what, `no header ${header}`);
}

async function wrongRequests(what, method, path, op) {
  const body = op.requestBody?.content["application/json"];
  const { headers } = required(op);
  checkProblem(`${what} with an unknown parameter`, await call(method, `${path}?no_such_parameter=1`, { headers, body: body && (exampleOf(op) ?? {}) }), 422);
  if (body) {
    checkProblem(`${what} with an array`, await call(method, path, { headers, body: "[]" }), 400);
    checkProblem(`${what} with half a body`, await call(method, path, { headers, body: '{"a":' }), 400);
    checkProblem(`${what} with text`, await call(method, path, { headers: { ...headers, "Content-Type": "text/plain" }, body: "{}" }), 415);
    if (body.schema.additionalProperties === false)
      checkProblem(`${what} with an unknown field`, await call(method, path, { headers, body: { ...exampleOf(op), no_such_field: 1 } }), 422);
  }
  if (op.responses["406"])
    checkProblem(`${what} for a picture`, await call(method, path, { headers: { ...headers, Accept: "image/png" }, body: body && (exampleOf(op) ?? {}) }), 406);
}

async function reads(what, template, path, op, answer) {
  for (const p of (op.parameters ?? []).filter((q) => q.in === "query" && q.name !== "cursor" && q.name !== "follow"))
    checkAnswer(`${what}?${p.name}`, "get", template, op, {
      ...(await call("get", `${path}?${p.name}=${encodeURIComponent(valueOf(p))}`, { stream: answer.type === "text/event-stream" })),
      ...(p.name === "fields" && { type: "application/json", json: answer.json }), // only some keys, as asked
    });
  const head = await call("head", path);
  if (head.status !== answer.status || head.text !== "") fail(`head ${path}`, `${head.status} with ${head.text.length} bytes`);
  const etag = answer.headers.get("etag");
  const moves = /operations|\/health\//.test(path); // goes on, or is measured anew: another answer each time
  if (etag && !moves) {
    const again = await call("get", path, { headers: { "If-None-Match": etag } });
    if (again.status !== 304 || again.text !== "") fail(`${what} with its ETag`, `${again.status}`);
  }
}

async function options(template, path, item) {
  const answer = await call("options", path, { role: "none" });
  const allowed = (answer.headers.get("allow") ?? "").split(", ");
  if (answer.status !== 204) fail(`options ${path}`, `${answer.status}`);
  for (const method of Object.keys(item)) if (!allowed.includes(method.toUpperCase())) fail(`options ${path}`, `does not allow ${method}`);
  checkProblem(`trace-like ${template}`, await call("put", path), 405);
}

async function exercise(method, template, op) {
  const what = `${method} ${template}`;
  const path = await fill(template, method === "delete");
  await refusals(what, method, path, op);
  await wrongRequests(what, method, path, op);
  const { headers, query } = required(op);
  let body = exampleOf(op);
  if (op.requestBody && body === undefined) body = {};
  if (method === "post" && body && op.responses["201"]) {
    unique++; // not the one that create() made
    for (const key of ["name", "hostname"]) if (typeof body[key] === "string" && !EXPECTED[what]) body[key] += `-${unique}`;
    if (body.ip_address) body.ip_address = `10.77.${unique >> 8}.${unique & 255}`;
  }
  Object.assign(body ?? {}, config.bodies[what] ?? {});
  if (op["x-risk"] || op.responses["200"]?.content?.["application/json"]?.schema?.$ref?.endsWith("/preview"))
    checkAnswer(`${what}?dry_run`, method, template, op, await call(method, `${path}?dry_run=true`, { headers, body }));
  const stream = op.responses["200"]?.content?.["text/event-stream"] !== undefined;
  const answer = await call(method, path + query, { headers, body, stream });
  checkAnswer(what, method, template, op, answer);
  if (method === "get") await reads(what, template, path, op, answer);
}

for (const method of METHODS)
  for (const [template, item] of Object.entries(doc.paths)) {
    if (!item[method]) continue;
    try {
      await exercise(method, template, item[method]);
      if (method === Object.keys(item)[0]) await options(template, await fill(template, false), item);
    } catch (error) {
      fail(`${method} ${template}`, `${error.stack} ${error.cause ?? ""}`);
    }
  }
const routes = Object.values(doc.paths).reduce((n, item) => n + Object.keys(item).length, 0);
console.log(JSON.stringify({ routes, calls, failures }));
