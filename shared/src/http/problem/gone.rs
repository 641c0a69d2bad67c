//! Why a credential is not shown or handed over, although there is or was one.

use http::StatusCode;

use super::Problem;

impl Problem {
    /// 403: the credential is blocked, and its public address shows nothing. 404 would call it unknown, 410
    /// gone and 451 a case of law; a cache may keep each of these after the block is lifted.
    pub fn credential_unavailable() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "credential_unavailable",
            "Esta credencial no está disponible por ahora",
            "This credential is not available for now",
        )
    }

    /// 410: the credential was revoked, and no wallet takes it any more.
    pub fn revoked() -> Self {
        Self::new(
            StatusCode::GONE,
            "revoked",
            "La institución revocó esta credencial: ya no se entrega a billeteras",
            "The institution has revoked this credential: wallets no longer get it",
        )
    }

    /// 410: the credential was erased.
    pub fn erased() -> Self {
        Self::new(
            StatusCode::GONE,
            "erased",
            "La credencial fue eliminada de este sitio",
            "The credential was erased from this site",
        )
    }
}
