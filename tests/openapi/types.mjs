// types.mjs DOCUMENT: makes TypeScript types from the document and compiles what a user of them writes, strictly.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
const here = new URL(".", import.meta.url);
writeFileSync(new URL("api.d.ts", here), astToString(await openapiTS(document)));

const program = ts.createProgram([new URL("usage.ts", here).pathname], {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitReturns: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
});
const errors = ts.getPreEmitDiagnostics(program);
if (errors.length > 0)
  console.log(ts.formatDiagnostics(errors, { getCanonicalFileName: (f) => f, getCurrentDirectory: () => here.pathname, getNewLine: () => "\n" }));
process.exit(errors.length > 0 ? 1 : 0);
