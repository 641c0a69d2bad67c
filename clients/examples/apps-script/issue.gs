/**
 * Emite credenciales desde una hoja de cálculo de Google, y escribe en ella el resultado de cada fila.
 *
 * 1. Extensiones > Apps Script: pegue este archivo.
 * 2. Configuración del proyecto > Propiedades del script: BASE_URL (https://…/api/v1), API_KEY, TEMPLATE_ID.
 * 3. Recargue la hoja: Credenciales > Emitir.
 *
 * Issues credentials from a Google sheet, and writes the outcome of each row into it. The first row has the names of the
 * columns (COLUMNS below); rows that say they are issued are left alone. Run it again whenever it was cut off, as Google does after six minutes:
 * nothing is issued or mailed twice.
 */

/** Names of columns, in lower case, and the fields that they are. */
const COLUMNS = {
  'correo': 'email', 'email': 'email',
  'nombre': 'recipient_name', 'name': 'recipient_name',
  'calificación': 'result_value', 'grade': 'result_value',
  'créditos': 'credits_earned', 'credits': 'credits_earned',
  'fecha': 'awarded_on', 'date': 'awarded_on',
  'id': 'external_id',
};
const OUTCOME = ['Estado', 'Enlace', 'Error'];
const ISSUED = 'Emitida';
const FAILED = 'Con errores';
/** Rows in a request; it takes 10,000. */
const ROWS = 2000;
const ATTEMPTS = 5;

function onOpen() {
  SpreadsheetApp.getUi().createMenu('Credenciales').addItem('Emitir', 'issueSheet').addToUi();
}

/** Issues the rows of the active sheet that are not issued yet. */
function issueSheet() {
  const lock = LockService.getDocumentLock();
  if (!lock.tryLock(1000)) throw new Error('Ya se está emitiendo desde esta hoja.');
  try {
    const sheet = SpreadsheetApp.getActiveSheet();
    const pending = readRows(sheet);
    for (let i = 0; i < pending.length; i += ROWS) {
      const rows = pending.slice(i, i + ROWS);
      SpreadsheetApp.getActive().toast(`Filas ${i + 1} a ${i + rows.length} de ${pending.length}`, 'Credenciales');
      issueRows(sheet, rows);
    }
    SpreadsheetApp.getActive().toast(`${pending.length} filas terminadas`, 'Credenciales');
  } finally {
    lock.releaseLock();
  }
}

/** The rows to be issued: `{number, recipient}`, the number as the sheet counts. */
function readRows(sheet) {
  const [header, ...rows] = sheet.getDataRange().getValues();
  const fields = header.map((name) => COLUMNS[String(name).trim().toLowerCase()]);
  if (!fields.includes('email')) throw new Error('Falta la columna Correo en la primera fila.');
  const state = header.indexOf(OUTCOME[0]);
  const zone = SpreadsheetApp.getActive().getSpreadsheetTimeZone();
  return rows
    .map((values, index) => ({ number: index + 2, values }))
    .filter(({ values }) => values.some((value, i) => fields[i] && value !== ''))
    .filter(({ values }) => state < 0 || values[state] !== ISSUED)
    .map(({ number, values }) => ({ number, recipient: readRecipient(fields, values, zone) }));
}

function readRecipient(fields, values, zone) {
  const recipient = {};
  fields.forEach((field, i) => {
    let value = values[i];
    if (!field || value === '') return;
    if (value instanceof Date) value = Utilities.formatDate(value, zone, 'yyyy-MM-dd');
    recipient[field] = field === 'credits_earned' ? value : String(value).trim();
  });
  // The service says which address is missing; it needs a text.
  recipient.email = recipient.email || '';
  return recipient;
}

/** Issues rows with one request, and writes what became of each. */
function issueRows(sheet, rows) {
  const body = { template_id: setting('TEMPLATE_ID'), recipients: rows.map(({ recipient }) => recipient) };
  const answer = call('post', '/credentials/issue', body);
  const outcomes = answer.mode === 'sync' ? answer.credentials.map(outcomeOfOne) : outcomesOfJob(answer.job_id);
  const first = outcomeColumn(sheet);
  rows.forEach(({ number }, i) => {
    sheet.getRange(number, first, 1, OUTCOME.length).setValues([outcomes[i]]);
  });
}

function outcomeOfOne(credential) {
  return credential.status === 'issued'
    ? [ISSUED, credential.credential_url, '']
    : [FAILED, '', credential.errors.join('; ')];
}

/** Follows a job to its end: the outcome of each row, in their order. */
function outcomesOfJob(jobId) {
  for (;;) {
    const job = call('get', `/jobs/${jobId}`);
    if (job.status === 'SUCCESS') break;
    if (job.status === 'FAILURE') throw new Error(job.error);
    Utilities.sleep(2000);
  }
  const outcomes = [];
  let cursor = '';
  while (cursor !== null) {
    const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page = call('get', `/jobs/${jobId}/results?limit=1000${query}`);
    page.items.forEach((row) => {
      outcomes[row.row - 1] = row.status === 'issued' ? [ISSUED, row.credential_url, ''] : [FAILED, '', row.error || ''];
    });
    cursor = page.next_cursor;
  }
  return outcomes;
}

/** The first of the columns of the outcome, which are added where there are none. */
function outcomeColumn(sheet) {
  const header = sheet.getRange(1, 1, 1, sheet.getLastColumn()).getValues()[0];
  const found = header.indexOf(OUTCOME[0]);
  if (found >= 0) return found + 1;
  sheet.getRange(1, header.length + 1, 1, OUTCOME.length).setValues([OUTCOME]);
  return header.length + 1;
}

/** Calls the API; again, with the same key, when the service asks for it. */
function call(method, path, body) {
  const options = {
    method,
    headers: { 'X-API-Key': setting('API_KEY'), 'Accept-Language': 'es' },
    muteHttpExceptions: true,
  };
  if (body) {
    options.contentType = 'application/json';
    options.payload = JSON.stringify(body);
    options.headers['Idempotency-Key'] = Utilities.getUuid();
  }
  for (let attempt = 1; ; attempt++) {
    let response = null;
    try {
      response = UrlFetchApp.fetch(setting('BASE_URL') + path, options);
    } catch (error) {
      // No answer came, or half of one.
      if (attempt === ATTEMPTS) throw error;
    }
    if (response) {
      const status = response.getResponseCode();
      if (status < 300) return JSON.parse(response.getContentText());
      const answer = problemOf(response.getContentText());
      const again = status === 429 || status >= 500 || answer.code === 'idempotency_in_progress';
      if (!again || attempt === ATTEMPTS) throw new Error(`${status} ${answer.code}: ${answer.detail}`);
    }
    Utilities.sleep(1000 * 2 ** attempt);
  }
}

/** The problem that an answer is, or the text of whatever stands between. */
function problemOf(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return { code: '', detail: text.slice(0, 200) };
  }
}

function setting(name) {
  const value = PropertiesService.getScriptProperties().getProperty(name);
  if (!value) throw new Error(`Falta ${name} en las propiedades del script.`);
  return value;
}
