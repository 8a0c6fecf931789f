// The OpenAPI description, readable: each route with its body, parameters and answers.

import { element } from "./view.js";

const description = await (await fetch("/openapi.json")).json();
const sections = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, route]) => section(path, method.toUpperCase(), route)));
document.getElementById("routes").replaceChildren(...sections);

function section(path, method, route) {
  const made = element("section");
  const title = element("h2");
  title.append(element("span", "method", method), element("code", "", path));
  made.append(title, element("p", "", route.description || route.summary || ""));
  const fields = [...(route.parameters || []).map(parameter), ...bodyFields(route)];
  if (fields.length) made.append(table(["Field", "Values", "Meaning"], fields));
  made.append(element("pre", "", example(path, method, route)), answers(route));
  return made;
}

function answers({ responses }) {
  const made = element("details");
  made.append(element("summary", "", "Answers"));
  const fields = fieldsOf(responses[200]?.content?.["application/json"]?.schema);
  if (fields.length) made.append(table(["Field of answer", "Values", "Meaning"], fields));
  const rows = Object.entries(responses).map(([status, { description: text }]) => [status, text]);
  made.append(table(["Status", "Meaning"], rows));
  return made;
}

function parameter({ name, schema, description: text }) {
  return [`?${name}`, kind(schema), text || ""];
}

function bodyFields(route) {
  return fieldsOf(route.requestBody?.content?.["application/json"]?.schema);
}

/** A row for each field, those of what is in it after it; `[]` is each of a list.
 *
 * What stands in a list and in a list of lists is told once.
 */
function fieldsOf(schema, before = "", told = new Set()) {
  const plain = resolved(schema) || {};
  if (plain.anyOf) return plain.anyOf.flatMap((one) => fieldsOf(one, before, told));
  if (plain.type === "array") {
    const each = `${before}[]`.replace("[][]", "[]");
    const inner = resolved(plain.items);
    const key = `${each} ${inner?.title}`;
    if (inner?.properties && told.has(key)) return [];
    told.add(key);
    const own = inner?.properties ? [[each, "object", inner.description || ""]] : [];
    return [...own, ...fieldsOf(plain.items, each, told)];
  }
  return Object.entries(plain.properties || {}).flatMap(([name, field]) => {
    const path = before ? `${before}.${name}` : name;
    const inner = fieldsOf(field, path, told);
    const own = [path, kind(field), field.description || ""];
    return resolved(field)?.properties ? inner : [own, ...inner];
  });
}

function resolved(schema) {
  const reference = schema?.$ref || schema?.allOf?.[0]?.$ref;
  return reference ? description.components.schemas[reference.split("/").at(-1)] : schema;
}

function kind(schema) {
  const plain = resolved(schema) || {};
  if (plain.enum) return plain.enum.join(" | ");
  if (plain.anyOf) return plain.anyOf.map(kind).join(" | ");
  if (plain.prefixItems) return `[${plain.prefixItems.map(kind).join(", ")}]`;
  if (plain.type === "array") return `[${kind(plain.items || {})}]`;
  return plain.type || "any";
}

function example(path, method, route) {
  const key = route.security ? ' -H "Authorization: Bearer $POSNER_API_KEY"' : "";
  const where = `${location.origin}${path}${key}`;
  const stream = route.requestBody?.content?.["application/x-ndjson"];
  if (stream) return `curl ${where} --data-binary @texts.jsonl`;
  if (!route.requestBody) return `curl ${method === "GET" ? "" : `-X ${method} `}${where}`;
  const schema = resolved(route.requestBody.content["application/json"].schema);
  const body = schema.examples?.[0] || { texts: ["Ada Lovelace lived in London."] };
  return `curl ${where} -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`;
}

function table(names, rows) {
  const made = element("table");
  const head = element("tr");
  head.append(...names.map((name) => element("th", "", name)));
  made.append(head, ...rows.map((row) => {
    const line = element("tr");
    line.append(...row.map(cell));
    return line;
  }));
  return made;
}

/** A long name may go on in another line behind a dot or a low line. */
function cell(value) {
  const made = element("td");
  for (const part of value.split(/(?<=[._])(?=\w)/)) made.append(part, element("wbr"));
  return made;
}
