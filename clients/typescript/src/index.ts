/** Client of unicreda, which issues digital academic credentials. */

export { IssueResults, Unicreda } from "./client.js";
export type { IssueOptions, Options, Progress, UploadOptions, WaitOptions } from "./client.js";
export * from "./errors.js";
export type { paths } from "./schema.js";
export type * from "./types.js";
