/** What is sent and answered, by the names of the API's document. */

import type { components } from "./schema.js";

/** All of them: `Schemas["Template"]`. */
export type Schemas = components["schemas"];

export type AnyJob = Schemas["AnyJob"];
export type Credential = Schemas["Credential"];
export type IssuedCredential = Schemas["IssuedCredential"];
export type Job = Schemas["Job"];
export type Member = Schemas["Member"];
export type ProblemField = Schemas["ProblemField"];
export type Recipient = Schemas["Recipient"];
export type RefusedRecipient = Schemas["RefusedRecipient"];
export type ResultRow = Schemas["ResultRow"];
export type Template = Schemas["Template"];
export type TemplateDefinition = Schemas["TemplateDefinition"];
export type Verification = Schemas["Verification"];
