//! The console: from a file to credentials, for people who do not write programs.
//!
//! It is a client of the API like any other: the page has no data of its own, and the key that a
//! person types stays in the page's memory.

use maud::{Markup, html};

use super::frame::{CONSOLE_SCRIPT, Frame};
use crate::{domain::lang::Lang, sheet::offered};

/// The texts of the script, by name: Spanish, English.
const TEXTS: [(&str, &str, &str); 48] = [
    (
        "bad_key",
        "La clave de API no es válida o fue revocada.",
        "The API key is not valid or was revoked.",
    ),
    (
        "no_scope",
        "A esta clave de API le falta un permiso: necesita issue y read.",
        "This API key lacks a scope: it needs issue and read.",
    ),
    (
        "unreachable",
        "No hay conexión con el servicio. Se intenta de nuevo…",
        "The service cannot be reached. Trying again…",
    ),
    ("live", "Modo real", "Live mode"),
    (
        "test",
        "Modo de prueba: nada se envía y nada pasa por auténtico",
        "Test mode: nothing is sent and nothing passes as real",
    ),
    (
        "no_templates",
        "No hay plantillas todavía. Crea una con POST /api/v1/templates o con unicreda templates create.",
        "There are no templates yet. Make one with POST /api/v1/templates or unicreda templates create.",
    ),
    ("required", "obligatoria", "required"),
    ("takes", "Columnas", "Columns"),
    (
        "too_large",
        "El archivo supera los 500 MB: divídelo en varios archivos.",
        "The file is larger than 500 MB: split it.",
    ),
    ("empty", "El archivo está vacío.", "The file is empty."),
    ("chosen", "Archivo elegido", "File chosen"),
    ("uploading", "Subiendo el archivo", "Uploading the file"),
    (
        "upload_failed",
        "No se sabe si el archivo llegó. Revisa tu conexión e inténtalo de nuevo: nada se emite dos veces.",
        "Nobody knows whether the file arrived. Check your connection and try again: nothing is issued twice.",
    ),
    ("waiting", "Esperando a que el archivo llegue", "Waiting for the file to arrive"),
    ("checking", "Revisando filas", "Checking rows"),
    ("reading", "Leyendo el archivo", "Reading the file"),
    ("issuing", "Emitiendo", "Issuing"),
    ("mailing", "Enviando correos", "Sending mail"),
    ("of", "de", "of"),
    ("rows", "filas", "rows"),
    ("left", "faltan", "left"),
    ("waits", "El correo espera", "Mail is waiting"),
    ("refused", "El archivo no se puede usar", "The file cannot be used"),
    (
        "nothing_issued",
        "No se emitió nada. Corrige el archivo y elígelo de nuevo.",
        "Nothing was issued. Mend the file and choose it again.",
    ),
    ("new", "nuevas", "new"),
    ("duplicates", "ya emitidas: no se repiten", "issued before: not repeated"),
    ("invalid", "con errores", "with errors"),
    ("also", "ya tienen otra de esta plantilla", "hold another of this template"),
    ("first_rows", "Primeras filas", "First rows"),
    ("faults", "Filas con errores", "Rows with errors"),
    ("more", "Mostrar más", "Show more"),
    ("row", "Fila", "Row"),
    ("line", "Línea", "Line"),
    ("email", "Correo", "Email"),
    ("outcome", "Qué pasaría", "What would happen"),
    ("why", "Por qué", "Why"),
    ("r_new", "Se emite", "Is issued"),
    ("r_duplicate", "Ya emitida", "Issued before"),
    ("r_invalid", "Error", "Error"),
    ("issue_n", "Emitir {n} credenciales", "Issue {n} credentials"),
    ("issue_1", "Emitir 1 credencial", "Issue 1 credential"),
    ("none_to_issue", "No hay ninguna fila que emitir.", "There is no row to issue."),
    ("issued", "emitidas", "issued"),
    ("failed", "fallidas", "failed"),
    ("sent", "correos enviados", "mails sent"),
    ("mail_failed", "correos fallidos", "mails failed"),
    ("writing", "Escribiendo el archivo de resultados", "Writing the results file"),
    (
        "gone",
        "El trabajo no existe o es de otra clave de API.",
        "The job does not exist or belongs to another API key.",
    ),
];

/// The console's page.
pub fn console(site_url: &str, lang: Lang) -> String {
    let texts: serde_json::Map<String, serde_json::Value> = TEXTS
        .iter()
        .map(|(name, es, en)| ((*name).to_owned(), lang.pick(*es, *en).into()))
        .collect();
    let texts = serde_json::Value::Object(texts).to_string();
    let columns: serde_json::Map<String, serde_json::Value> = offered::names()
        .into_iter()
        .map(|column| (column.field.to_owned(), lang.pick(column.es, column.en).into()))
        .collect();
    let columns = serde_json::Value::Object(columns).to_string();
    let title = lang.pick("Emitir desde un archivo", "Issue from a file");
    let main = html! {
        div.console id="console" data-texts=(texts) data-columns=(columns) data-lang=(lang.tag()) {
            h1 { (title) }
            noscript { p.card.notice { (lang.pick(
                "Esta página necesita JavaScript. Sin él, usa la línea de comandos: unicreda issue archivo.csv",
                "This page needs JavaScript. Without it, use the command line: unicreda issue file.csv",
            )) } }
            p.problem role="alert" id="problem" hidden {}
            (sign_in(lang))
            (choose(lang))
            (check(lang))
            (follow(lang))
        }
    };
    Frame { site_url, script: CONSOLE_SCRIPT, ..Frame::of(lang, title) }.around(&main, None)
}

fn step(id: &str, number: u8, title: &str, body: &Markup) -> Markup {
    html! {
        section.card.step id=(id) hidden[number > 0] aria-labelledby={ (id) "-title" } {
            h2.h2 id={ (id) "-title" } { (title) }
            (body)
        }
    }
}

fn sign_in(lang: Lang) -> Markup {
    step(
        "sign-in",
        0,
        lang.pick("Tu clave de API", "Your API key"),
        &html! {
            form id="key-form" {
                label for="key" { (lang.pick("Clave de API (uc_live_… o uc_test_…)", "API key (uc_live_… or uc_test_…)")) }
                div.line {
                    input type="password" id="key" autocomplete="off" spellcheck="false" required;
                    button.button.first type="submit" { (lang.pick("Entrar", "Sign in")) }
                }
                p.soft { (lang.pick(
                    "Necesita los permisos issue y read. Se queda en esta página: no se guarda, y al cerrarla se olvida.",
                    "It needs the scopes issue and read. It stays in this page: it is not stored, and closing the page forgets it.",
                )) }
            }
        },
    )
}

fn choose(lang: Lang) -> Markup {
    step(
        "choose",
        1,
        lang.pick("Plantilla y archivo", "Template and file"),
        &html! {
            p.mode id="mode" {}
            label for="template" { (lang.pick("Plantilla", "Template")) }
            div.line {
                select id="template" {}
                button.button type="button" id="example" { (lang.pick("Archivo de ejemplo", "Example file")) }
            }
            p.soft id="columns" {}
            label.drop for="file" id="drop" {
                span.drop-title { (lang.pick("Suelta aquí tu archivo, o elígelo", "Drop your file here, or choose it")) }
                span.soft { (lang.pick(
                    "CSV de Excel o JSON Lines, hasta 500 MB y un millón de filas",
                    "CSV from Excel or JSON Lines, up to 500 MB and a million rows",
                )) }
                input type="file" id="file" accept=".csv,.tsv,.txt,.jsonl,.ndjson,text/csv";
                span.chosen id="chosen" {}
            }
            label.check { input type="checkbox" id="mail" checked; span { (lang.pick("Avisar por correo a cada persona", "Tell each person by mail")) } }
            p { button.button.first type="button" id="dry-run" disabled { (lang.pick("Revisar sin emitir", "Check without issuing")) } }
        },
    )
}

fn check(lang: Lang) -> Markup {
    step(
        "check",
        1,
        lang.pick("Revisión: nada se ha emitido", "Check: nothing has been issued"),
        &html! {
            div id="check-progress" {
                progress id="check-bar" aria-label=(lang.pick("Avance de la revisión", "Progress of the check")) {}
                p.soft role="status" id="check-status" {}
            }
            div id="check-result" hidden {
                ul.sums id="sums" {}
                div id="rows" {}
                div id="faults" {}
                p { button.button.first type="button" id="issue" {} }
                p.soft { (lang.pick(
                    "Las filas con errores no se emiten. Después puedes corregirlas en el archivo de resultados y subirlo de nuevo: lo ya emitido no se repite.",
                    "Rows with errors are not issued. Afterwards you can mend them in the results file and upload it again: what was issued is not repeated.",
                )) }
            }
        },
    )
}

fn follow(lang: Lang) -> Markup {
    step(
        "follow",
        1,
        lang.pick("Emisión", "Issuing"),
        &html! {
            progress id="bar" max="1" value="0" aria-label=(lang.pick("Avance de la emisión", "Progress of issuing")) {}
            p role="status" id="status" {}
            p.soft id="keep" { (lang.pick(
                "Puedes cerrar esta página: el trabajo continúa. Su enlace lo recuerda.",
                "You can close this page: the job goes on by itself. Its address remembers it.",
            )) }
            ul.sums id="totals" {}
            p { button.button.first type="button" id="results" hidden { (lang.pick("Descargar resultados", "Download results")) } }
            p { button.button type="button" id="again" hidden { (lang.pick("Otro archivo", "Another file")) } }
        },
    )
}
