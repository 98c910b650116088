// What a user of the generated types writes. Compiling it is the test: right uses pass, wrong ones must be errors.
import type { components, paths } from "./api.js";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type NodePage = Json<paths["/api/nodes"]["get"]["responses"][200]>;
type NewNode = NonNullable<paths["/api/nodes"]["post"]["requestBody"]>["content"]["application/json"];
type Operation = components["schemas"]["operation"];
type Preview = components["schemas"]["preview"];
type Started = Json<paths["/api/clusters/{id}/setup"]["post"]["responses"][202]>;

export function hostnames(page: NodePage): string[] {
  return page.items.map((node) => node.hostname);
}

export function nextCursor(page: NodePage): string | null {
  return page.next_cursor;
}

export const good: NewNode = { hostname: "n1", ip_address: "10.0.0.1", tags: ["rack-2"], role: "worker" };

// @ts-expect-error a node needs an address
export const incomplete: NewNode = { hostname: "n1" };

// @ts-expect-error there is no such role
export const wrongRole: NewNode = { hostname: "n1", ip_address: "10.0.0.1", role: "boss" };

export function isOver(operation: Operation): boolean {
  switch (operation.status) {
    case "queued":
    case "running":
      return false;
    case "succeeded":
    case "partial":
    case "failed":
    case "cancelled":
    case "timed_out":
    case "interrupted":
      return true;
  }
}

export function failure(operation: Operation): string | undefined {
  return operation.hosts?.find((host) => host.status === "failed")?.message ?? undefined;
}

export function minutes(preview: Preview): number | null {
  return preview.expected_duration_ms === null ? null : preview.expected_duration_ms / 60000;
}

export const started = (reply: Started): number => reply.operation.id;

// @ts-expect-error the API has no such route
export type Nowhere = paths["/api/nowhere"];
