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
  const answers = Object.entries(route.responses).map(([status, { description: text }]) => [status, text]);
  const more = element("details");
  more.append(element("summary", "", "Answers"), table(["Status", "Meaning"], answers));
  made.append(element("pre", "", example(path, method, route)), more);
  return made;
}

function parameter({ name, schema, description: text }) {
  return [`?${name}`, kind(schema), text || ""];
}

function bodyFields(route) {
  const schema = resolved(route.requestBody?.content?.["application/json"]?.schema);
  return schema ? fieldsOf(schema, "") : [];
}

function fieldsOf(schema, before) {
  return Object.entries(schema.properties || {}).flatMap(([name, field]) => {
    const inner = resolved(field);
    if (inner?.properties) return fieldsOf(inner, `${before}${name}.`);
    return [[before + name, kind(field), field.description || ""]];
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
  if (plain.type === "array") return `[${kind(plain.items || {})}]`;
  return plain.type || "any";
}

function example(path, method, route) {
  const stream = route.requestBody?.content?.["application/x-ndjson"];
  const where = `${location.origin}${path}`;
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
    line.append(...row.map((value) => element("td", "", value)));
    return line;
  }));
  return made;
}
