//! The [`Failure`] of a request that the service refuses or that does not reach it.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{ApiRequest, ApiResponse, Client, Repeat, root_cause};
use crate::{
    exit::{Exit, Failure},
    input::omitted,
};

impl Client {
    pub(super) fn stalled(&self) -> Failure {
        Failure::new(
            Exit::Unavailable,
            self.printer.pick("la conexión no avanza", "the connection makes no progress"),
        )
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let (site, why) = (&self.settings.site, root_cause(error));
        let failure = Failure::new(
            Exit::Unavailable,
            self.printer.pick(
                format!("sin conexión con {site} ({why})"),
                format!("no connection to {site} ({why})"),
            ),
        );
        if self.settings.local {
            return failure.next(self.printer.pick(
                "inicia el servicio local con `cargo run` y repite el mismo comando",
                "start the local stack with `cargo run` and run the same command again",
            ));
        }
        failure.next(self.printer.pick(
            "comprueba la red y la dirección, y repite el mismo comando: nada se emite dos veces",
            "check the network and the address, then run the same command again: nothing is issued twice",
        ))
    }

    /// An answer that this service does not give: from a proxy, or from another program.
    pub(super) fn foreign_answer(&self, status: StatusCode) -> Failure {
        let (site, number) = (&self.settings.site, status.as_u16());
        let exit = if status.is_server_error() { Exit::Unavailable } else { Exit::Failed };
        Failure::new(
            exit,
            self.printer.pick(
                format!("{site} respondió {number} en un formato que no es el de este servicio"),
                format!("{site} answered {number} in a format that is not this service's"),
            ),
        )
        .next(self.printer.pick(
            "comprueba la dirección del servicio (--url, UNICREDA_URL)",
            "check the address of the service (--url, UNICREDA_URL)",
        ))
    }

    /// The service's own error answer, with what the user can do next.
    pub(super) fn refusal(
        &self,
        status: StatusCode,
        answer: &ApiResponse,
        request: &ApiRequest<'_>,
    ) -> Failure {
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("code").is_empty() {
            return self.foreign_answer(status);
        }
        let exit = match status.as_u16() {
            // A blocked credential is shown to no key.
            403 if text("code") == "credential_unavailable" => Exit::Failed,
            401 | 403 => Exit::KeyRefused,
            429 | 500.. => Exit::Unavailable,
            _ => Exit::Failed,
        };
        let mut failure = Failure::new(exit, format!("{}: {}", text("title"), text("detail")));
        let errors = problem.get("errors").and_then(Value::as_array);
        for error in errors.into_iter().flatten() {
            let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            let (pointer, message, hint) = (part("pointer"), part("message"), part("hint"));
            let near = match hint {
                "" => String::new(),
                said if message.contains(said) => String::new(),
                _ => self.printer.pick(
                    format!(" (¿quisiste decir {hint}?)"),
                    format!(" (did you mean {hint}?)"),
                ),
            };
            // The first line may say it already.
            failure = failure.detail(match message == text("detail") {
                true => format!("{pointer}{near}"),
                false => format!("{pointer}: {message}{near}"),
            });
        }
        if let Some(more) = omitted(&problem, self.printer) {
            failure = failure.detail(more);
        }
        if !text("request_id").is_empty() {
            failure = failure.detail(format!("request_id: {}", text("request_id")));
        }
        if let Some(next) = self.advice(status, &problem, request) {
            failure = failure.next(next);
        }
        failure.problem(problem)
    }

    fn advice(
        &self,
        status: StatusCode,
        problem: &Value,
        request: &ApiRequest<'_>,
    ) -> Option<String> {
        let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
        match (status.as_u16(), code) {
            (403, "credential_unavailable") => None,
            (401 | 403, _) => Some(self.advice_on_key(status, request)),
            (404, _) => self.advice_on_missing(problem, request),
            _ => {
                let (es, en) = match (status.as_u16(), code) {
                    (413, "too_many_recipients" | "payload_too_large") => {
                        ("divide el archivo en partes", "split the file into parts")
                    }
                    (429 | 500.., _) if request.repeat == Repeat::Safe => (
                        "repite el mismo comando en un momento: nada se hace dos veces",
                        "run the same command again in a moment: nothing is done twice",
                    ),
                    (500.., _) => (
                        "comprueba primero si se hizo; si no, repite el comando",
                        "check first whether it was done; if not, run the command again",
                    ),
                    _ => return None,
                };
                Some(self.printer.pick(es, en).to_owned())
            }
        }
    }

    fn advice_on_key(&self, status: StatusCode, request: &ApiRequest<'_>) -> String {
        let (printer, source) = (self.printer, &self.settings.key_from);
        if status == StatusCode::UNAUTHORIZED {
            return printer.pick(
                format!("la clave viene de {source}; usa otra con UNICREDA_API_KEY, --key-file o --key-stdin"),
                format!("the key comes from {source}; use another with UNICREDA_API_KEY, --key-file or --key-stdin"),
            );
        }
        if self.settings.key.test && request.method != Method::GET {
            return printer.pick(
                format!("la clave de {source} es de prueba; si tiene el permiso, hace falta una uc_live_ (`unicreda keys list` muestra los permisos)"),
                format!("the key from {source} is a test key; if it has the scope, a uc_live_ key is needed (`unicreda keys list` shows scopes)"),
            );
        }
        printer.pick(
            format!("usa una clave con ese permiso en vez de la de {source}: `unicreda keys create --name … --scopes …`"),
            format!("use a key with that scope instead of the one from {source}: `unicreda keys create --name … --scopes …`"),
        )
    }

    /// Names the command that lists what the request did not find.
    fn advice_on_missing(&self, problem: &Value, request: &ApiRequest<'_>) -> Option<String> {
        let names_template =
            problem.pointer("/errors/0/pointer").is_some_and(|p| p == "/template_id");
        let (es, en) = match request.path.as_str() {
            path if names_template || path.starts_with("/templates") => (
                "`unicreda templates list` muestra las plantillas",
                "`unicreda templates list` shows the templates",
            ),
            path if path.starts_with("/jobs") => (
                "`unicreda jobs list` muestra los trabajos; los de prueba, con una clave de prueba",
                "`unicreda jobs list` shows the jobs; with a test key, those of test mode",
            ),
            path if path.starts_with("/credentials") => (
                "`unicreda credentials find` busca credenciales; las de prueba, con una clave de prueba",
                "`unicreda credentials find` finds credentials; with a test key, those of test mode",
            ),
            path if path.starts_with("/api-keys") => {
                ("`unicreda keys list` muestra las claves", "`unicreda keys list` shows the keys")
            }
            _ => return None,
        };
        Some(self.printer.pick(es, en).to_owned())
    }
}
