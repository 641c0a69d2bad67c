//! RFC 9457 problems: only this module turns an error into an HTTP answer.
//!
//! An endpoint returns `Result<_, Problem>`. For a mistake of the client it calls a constructor
//! of this module, whose text names the field in both languages. Failures of the service arrive
//! through `From`, for example `From<StoreError>`: the client receives `internal` or
//! `unavailable` and a request id, and [`serve`](crate::http::serve) logs the cause once. No AWS
//! message, table name or stack trace reaches a client.

mod gone;

use std::fmt;

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde::Serialize;

use crate::{
    aws::{s3::FileError, sqs::QueueError},
    domain::{
        fields::{FieldError, FieldErrors, InvalidBody},
        lang::Lang,
        signing_key::KeyError,
        upload::FileRefusal,
    },
    store::StoreError,
};

/// An answer other than success.
#[derive(Debug)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    es: String,
    en: String,
    errors: FieldErrors,
    headers: Vec<(header::HeaderName, HeaderValue)>,
    /// The failure of the service behind the problem, for the log.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        es: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            es: es.into(),
            en: en.into(),
            errors: FieldErrors::default(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// The headers that its answer has besides, such as `Allow`.
    pub fn headers(&self) -> impl Iterator<Item = (header::HeaderName, HeaderValue)> {
        self.headers.iter().cloned()
    }

    fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// 400: the body is not JSON in UTF-8.
    pub fn invalid_json(es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", es, en)
    }

    /// 400: fields of the request, recipients excepted, are missing, unknown or wrong.
    pub fn invalid_request(errors: impl Into<FieldErrors>) -> Self {
        let errors = errors.into();
        let (es, en) = match (errors.listed(), errors.count()) {
            ([one], 1) => (one.es.clone(), one.en.clone()),
            (_, count) => (
                format!("La solicitud tiene {count} errores; ver errors"),
                format!("The request has {count} errors; see errors"),
            ),
        };
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_request", es, en);
        problem.errors = errors;
        problem
    }

    /// 400: query parameters that the route does not know, beside other faults of parameters.
    pub fn unknown_parameter(errors: Vec<FieldError>) -> Self {
        Self { code: "unknown_parameter", ..Self::invalid_request(errors) }
    }

    /// 400: one field is wrong.
    pub fn invalid_field(
        pointer: impl Into<String>,
        code: &'static str,
        es: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self::invalid_request(vec![FieldError::new(pointer, code, es, en)])
    }

    /// 400: the service never returned this cursor.
    pub fn invalid_cursor() -> Self {
        Self::invalid_field(
            "cursor",
            "invalid_cursor",
            "El parámetro cursor no es válido: usa next_cursor tal como llegó; la primera página no lleva cursor",
            "The parameter cursor is not valid: use next_cursor as it came; the first page takes no cursor",
        )
    }

    /// 401: the key is missing, unknown, revoked or expired; the answer is the same for all four.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Falta la clave de API (encabezado X-API-Key, o Authorization: Bearer), o no es válida",
            "The API key (header X-API-Key, or Authorization: Bearer) is missing or not valid",
        )
        .header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 403: the key lacks a scope.
    pub fn insufficient_scope(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            format!("La clave de API no tiene el permiso «{scope}»"),
            format!("The API key lacks the scope \"{scope}\""),
        )
    }

    /// 403: a test key cannot change data that live mode shares.
    pub fn test_key_reads_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "Con una clave de API de prueba esto es de solo lectura; usa una clave uc_live_",
            "With a test key this is read-only; use a uc_live_ key",
        )
    }

    /// 404: it does not exist, or belongs to another organization.
    pub fn not_found(es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", es, en)
    }

    /// 404: the template does not exist; `pointer` is the field that named it.
    pub fn template_not_found(pointer: Option<&str>) -> Self {
        let mut problem = Self::not_found("La plantilla no existe", "The template does not exist");
        if let Some(pointer) = pointer {
            let (es, en) = (problem.es.clone(), problem.en.clone());
            problem.errors.push(FieldError::new(pointer, "not_found", es, en));
        }
        problem
    }

    /// 400: the template is archived and issues no new credential.
    pub fn template_archived() -> Self {
        let refusal = FileRefusal::TemplateArchived;
        let (es, en) = (refusal.text(Lang::Es), refusal.text(Lang::En));
        Self::invalid_field("/template_id", refusal.code(), es, en)
    }

    /// 405: the path has only the methods of `allow`.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("Esta ruta admite: {allow}"),
            format!("This path takes: {allow}"),
        )
        .header(header::ALLOW, allow)
    }

    /// 409: another request changed it first, or it already exists.
    pub fn conflict(es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", es, en)
    }

    /// 409: the first request with this `Idempotency-Key` is still running.
    pub fn idempotency_in_progress(retry_after_seconds: i64) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "idempotency_in_progress",
            "La primera solicitud con esta Idempotency-Key sigue en curso; repítela en unos segundos",
            "The first request with this Idempotency-Key is still running; repeat it in some seconds",
        )
        .header(header::RETRY_AFTER, &retry_after_seconds.to_string())
    }

    /// 422: an earlier request used this `Idempotency-Key` with another body.
    pub fn idempotency_mismatch() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_mismatch",
            "Esta Idempotency-Key ya se usó con otro cuerpo; usa otra",
            "This Idempotency-Key was used with another body; use another key",
        )
    }

    /// 413: the body is larger than the limit in bytes.
    pub fn payload_too_large(limit: usize) -> Self {
        let mib = limit / (1024 * 1024);
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!(
                "El cuerpo supera el límite de {mib} MiB; las listas más grandes van como archivo por POST /api/v1/uploads"
            ),
            format!(
                "The body is larger than the limit of {mib} MiB; larger lists go as a file through POST /api/v1/uploads"
            ),
        )
    }

    /// 413: a dry run has more rows than an answer holds, however short.
    pub fn answer_too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "La respuesta superaría los 5 MB; revisa menos destinatarios a la vez, o la lista como archivo con POST /api/v1/uploads y dry_run",
            "The answer would be larger than 5 MB; check fewer recipients at a time, or the list as a file with POST /api/v1/uploads and dry_run",
        )
    }

    /// 413: a document to verify is larger than the limit, 256 KiB, or the file that carries it, 4 MiB.
    pub fn document_too_large(file: bool) -> Self {
        let (limit, es, en) = match file {
            false => ("256 KiB", "documento", "document"),
            true => ("4 MiB", "archivo PDF o PNG", "PDF or PNG file"),
        };
        let es = format!("El cuerpo supera el límite de {limit} para un {es}");
        let en = format!("The body is larger than the limit of {limit} for a {en}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", es, en)
    }

    /// 413: a file is larger than the limit in bytes.
    pub fn file_too_large(limit: u64) -> Self {
        let refusal = FileRefusal::TooLarge(limit);
        let (es, en) = (refusal.text(Lang::Es), refusal.text(Lang::En));
        let error = FieldError::new("/size", "too_large", es.clone(), en.clone());
        let mut problem = Self::new(StatusCode::PAYLOAD_TOO_LARGE, refusal.code(), es, en);
        problem.errors.push(error);
        problem
    }

    /// 413: the request has more recipients than `limit`.
    pub fn too_many_recipients(limit: usize, sent: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_recipients",
            format!(
                "La solicitud tiene {sent} destinatarios y el límite es {limit}; las listas más grandes van como archivo por POST /api/v1/uploads"
            ),
            format!(
                "The request has {sent} recipients and the limit is {limit}; larger lists go as a file through POST /api/v1/uploads"
            ),
        )
    }

    /// 413: more members than an import takes.
    pub fn too_many_members(limit: usize, sent: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_recipients",
            format!(
                "El archivo tiene {sent} miembros y el límite es {limit}; los archivos más grandes van por POST /api/v1/members/uploads"
            ),
            format!(
                "The file has {sent} members and the limit is {limit}; larger files go through POST /api/v1/members/uploads"
            ),
        )
    }

    /// 415: the route takes another media type.
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("El encabezado Content-Type debe ser {expected}"),
            format!("The header Content-Type must be {expected}"),
        )
    }

    /// 429: a bound of the service; in `wait_seconds` the request is taken.
    pub fn rate_limited(wait_seconds: i64, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", es, en)
            .header(header::RETRY_AFTER, &wait_seconds.to_string())
    }

    /// 400: a format of a file that is not written.
    pub fn unknown_format() -> Self {
        Self::invalid_request(vec![FieldError::new(
            "format",
            "invalid_parameter",
            "El parámetro format debe ser csv o xlsx",
            "The parameter format must be csv or xlsx",
        )])
    }

    /// 500: the service failed.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Fallo interno; la solicitud se puede repetir sin riesgo de duplicar",
            "Internal failure; the request can be repeated without issuing twice",
        );
        problem.cause = Some(cause.into());
        problem
    }

    /// 503: the service failed; a later attempt is likely to succeed.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "El servicio no está disponible en este momento; la solicitud se puede repetir sin riesgo de duplicar",
            "The service is not available right now; the request can be repeated without issuing twice",
        )
        .header(header::RETRY_AFTER, "5");
        problem.cause = Some(cause.into());
        problem
    }

    /// Returns the text in Spanish and in English: all faults of fields, or else the problem's own.
    pub fn texts(&self) -> (String, String) {
        if self.errors.count() == 0 {
            return (self.es.clone(), self.en.clone());
        }
        let join = |text: fn(&FieldError) -> &str| {
            self.errors.listed().iter().map(text).collect::<Vec<_>>().join("; ")
        };
        (join(|e| &e.es), join(|e| &e.en))
    }

    fn title(&self, lang: Lang) -> &'static str {
        match self.code {
            "invalid_json" => lang.pick("JSON inválido", "Invalid JSON"),
            "invalid_request" => lang.pick("Solicitud inválida", "Invalid request"),
            "unknown_parameter" => lang.pick("Parámetro desconocido", "Unknown parameter"),
            "unauthenticated" => lang.pick("No autenticado", "Unauthenticated"),
            "insufficient_scope" => lang.pick("Permiso insuficiente", "Insufficient scope"),
            "credential_unavailable" => {
                lang.pick("No disponible por ahora", "Not available for now")
            }
            "not_found" => lang.pick("No encontrado", "Not found"),
            "erased" => lang.pick("Eliminada", "Erased"),
            "revoked" => lang.pick("Revocada", "Revoked"),
            "method_not_allowed" => lang.pick("Método no permitido", "Method not allowed"),
            "idempotency_in_progress" => lang.pick("Solicitud en curso", "Request in progress"),
            "idempotency_mismatch" => lang.pick("Idempotency-Key ya usada", "Key already used"),
            "conflict" => lang.pick("Conflicto", "Conflict"),
            "payload_too_large" => lang.pick("Cuerpo demasiado grande", "Payload too large"),
            "too_many_recipients" => lang.pick("Demasiados destinatarios", "Too many recipients"),
            "unsupported_media_type" => {
                lang.pick("Tipo de contenido no admitido", "Unsupported media type")
            }
            "rate_limited" => lang.pick("Demasiadas solicitudes", "Too many requests"),
            "unavailable" => lang.pick("No disponible", "Unavailable"),
            _ => lang.pick("Fallo interno", "Internal failure"),
        }
    }

    /// Returns the answer, as `application/problem+json`.
    pub fn response(&self, lang: Lang, request_id: &str) -> Response<Body> {
        #[derive(Serialize)]
        struct Field<'a> {
            pointer: &'a str,
            code: &'a str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            code: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<Field<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            errors_omitted: Option<usize>,
        }
        let document = Document {
            r#type: format!("urn:unicreda:problem:{}", self.code),
            title: self.title(lang),
            status: self.status.as_u16(),
            detail: lang.pick(&self.es, &self.en),
            code: self.code,
            request_id,
            errors: self
                .errors
                .listed()
                .iter()
                .map(|e| Field {
                    pointer: &e.pointer,
                    code: e.code,
                    message: lang.pick(&e.es, &e.en),
                    hint: e.hint.as_deref(),
                })
                .collect(),
            errors_omitted: Some(self.errors.omitted()).filter(|omitted| *omitted > 0),
        };
        let mut response =
            Response::new(Body::Text(serde_json::to_string(&document).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json; charset=utf-8"),
        );
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.staff().tag()));
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

impl From<InvalidBody> for Problem {
    fn from(invalid: InvalidBody) -> Self {
        match invalid {
            InvalidBody::NotUtf8 => {
                Self::invalid_json("El cuerpo no está en UTF-8", "The body is not in UTF-8")
            }
            InvalidBody::NotJson { line, column } => Self::invalid_json(
                format!("El cuerpo no es JSON válido en UTF-8 (línea {line}, columna {column})"),
                format!("The body is not valid JSON in UTF-8 (line {line}, column {column})"),
            ),
            InvalidBody::NotAnObject => Self::invalid_field(
                "",
                "wrong_type",
                "El cuerpo debe ser un objeto JSON",
                "The body must be a JSON object",
            ),
            InvalidBody::Fields(errors) => Self::invalid_request(errors),
        }
    }
}

impl From<FileRefusal> for Problem {
    fn from(refusal: FileRefusal) -> Self {
        match refusal {
            FileRefusal::TemplateArchived => Self::template_archived(),
            FileRefusal::TooLarge(limit) => Self::file_too_large(limit),
            FileRefusal::LinksEnd | FileRefusal::UnknownTerm => {
                Self::conflict(refusal.text(Lang::Es), refusal.text(Lang::En))
            }
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NoBucket => Self::internal(error),
            FileError::Gone | FileError::Unavailable(_) => Self::unavailable(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Keys(KeyError::Unavailable(_)) => {
                Self::unavailable(error)
            }
            StoreError::Keys(KeyError::Broken(_)) => Self::internal(error),
            StoreError::Conflict | StoreError::Broken(_) => Self::internal(error),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        Self::unavailable(error)
    }
}
