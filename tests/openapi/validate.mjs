// validate.mjs DOCUMENT: is this an OpenAPI 3.1 document by the rules of a validator that knows nothing of mko?
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";

const rules = {
  struct: "error",
  "spec-strict-refs": "error",
  "no-unresolved-refs": "error",
  "no-undefined-server-variable": "error",
  "no-unused-components": "error",
  "no-duplicated-tag-names": "error",
  "no-identical-paths": "error",
  "no-path-trailing-slash": "error",
  "no-invalid-media-type-examples": "error",
  "no-invalid-schema-examples": "error",
  "no-enum-type-mismatch": "error",
  "no-schema-type-mismatch": "error",
  "no-required-schema-properties-undefined": "error",
  "operation-2xx-response": "error",
  "operation-4xx-response": "error",
  "operation-operationId": "error",
  "operation-operationId-unique": "error",
  "operation-operationId-url-safe": "error",
  "operation-parameters-unique": "error",
  "operation-summary": "error",
  "operation-tag-defined": "error",
  "path-declaration-must-exist": "error",
  "path-not-include-query": "error",
  "path-parameters-defined": "error",
  "security-defined": "error",
  "info-license": "error",
  "parameter-description": "error",
};

const source = readFileSync(process.argv[2], "utf8");
const config = await createConfig({ rules });
const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
for (const p of problems)
  console.log(`${p.severity} ${p.ruleId} ${p.location.map((l) => l.pointer ?? "").join(" ")}: ${p.message}`);
process.exit(problems.length > 0 ? 1 : 0);
