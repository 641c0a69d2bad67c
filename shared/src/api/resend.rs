//! The route that sends a credential's mail again.

use http::{Response, StatusCode};
use lambda_http::Body;

use crate::{
    api::{auth, privacy},
    app::App,
    domain::ids::CredentialId,
    http::{
        problem::Problem,
        serve::{Call, json},
    },
    mail::resend::{self, ResendError},
};

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::Unknown => {
                Self::not_found("La credencial no existe", "The credential does not exist")
            }
            ResendError::NotActive => Self::conflict(
                "La credencial está revocada o suspendida; su correo no se envía",
                "The credential is revoked or suspended; its mail is not sent",
            ),
            ResendError::Blocked => Self::conflict(
                "La credencial está bloqueada; su correo no se envía hasta que se levante el bloqueo",
                "The credential is blocked; its mail is not sent until the block is lifted",
            ),
            ResendError::Suppressed => Self::conflict(
                "La dirección está en la lista de supresión: sus correos rebotaron o se marcaron como no deseados. Corrige la dirección de la credencial o, si ya recibe correo, quítala con DELETE /api/v1/suppressions/{email}",
                "The address is on the suppression list: its mail bounced or was marked as spam. Correct the credential's address or, if it takes mail again, remove it with DELETE /api/v1/suppressions/{email}",
            ),
            ResendError::ErasedAddress => Self::conflict(
                "La dirección dejó de recibir correos cuando se eliminaron los datos de su titular. Si esa persona los quiere de nuevo, quítala con DELETE /api/v1/suppressions/{email}",
                "The address was suppressed when its owner was erased. If that person wants mail again, remove it with DELETE /api/v1/suppressions/{email}",
            ),
            ResendError::TooSoon => Self::conflict(
                "El correo está por enviarse o se pidió hace menos de 5 minutos",
                "The mail is about to be sent or was asked for less than 5 minutes ago",
            ),
            ResendError::Store(error) => error.into(),
            ResendError::Broken(cause) => Self::internal(cause),
        }
    }
}

/// `POST /credentials/{credential_id}/resend`: 202. One attempt at a time, at most every five
/// minutes.
///
/// # Errors
/// `not_found`; `conflict` when the credential is not active or is blocked, its address is suppressed, or a
/// mail is pending or was requested just now; those of authentication and of the store.
pub async fn resend(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| ResendError::Unknown)?;
    let credential = match resend::resend(app, caller.tenant(), id, call.now).await {
        Err(ResendError::Unknown) => {
            return Err(privacy::if_erased(app, &caller, id, ResendError::Unknown.into()).await);
        }
        other => other?,
    };
    json(
        StatusCode::ACCEPTED,
        &serde_json::json!({ "credential_id": id, "email_status": credential.email_status() }),
    )
}
