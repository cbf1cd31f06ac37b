export type ReporterErrorCode =
  | 'file'
  | 'json'
  | 'kind'
  | 'version'
  | 'schema'
  | 'content'
  | 'task'
  | 'option';

/** What is wrong with a result, a task or an option, in one sentence. */
export class ReporterError extends Error {
  override readonly name = 'ReporterError';
  readonly code: ReporterErrorCode;

  constructor(code: ReporterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
