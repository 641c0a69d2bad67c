//! Why a mail did not reach its recipient: the codes of `email_error`, and what they say to people.

use crate::domain::lang::Lang;

/// A reason. Its code is kept as text on the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// There is no such mailbox.
    HardBounce,
    /// The mailbox took none of three mails.
    SoftBounce,
    /// The recipient's server refused what was in it.
    ContentRefused,
    /// The recipient marked it as spam.
    Complaint,
    /// SES found a virus.
    VirusFound,
    /// SES did not try: the address is on a list of the AWS account.
    AccountSuppressed,
    /// Nothing is sent to the address: mail to it bounced before, or was marked as spam.
    Suppressed,
    /// Nothing is sent to the address since its person was erased.
    ErasedAddress,
    /// SES refused the address or the mail.
    Rejected,
    /// The outcome of five attempts is unknown.
    GaveUp,
}

impl Undelivered {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::HardBounce,
        Self::SoftBounce,
        Self::ContentRefused,
        Self::Complaint,
        Self::VirusFound,
        Self::AccountSuppressed,
        Self::Suppressed,
        Self::ErasedAddress,
        Self::Rejected,
        Self::GaveUp,
    ];

    /// The code, which is also the stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::SoftBounce => "soft_bounce",
            Self::ContentRefused => "content_refused",
            Self::Complaint => "complaint",
            Self::VirusFound => "virus_found",
            Self::AccountSuppressed => "account_suppressed",
            Self::Suppressed => "suppressed",
            Self::ErasedAddress => "erased_address",
            Self::Rejected => "rejected",
            Self::GaveUp => "gave_up",
        }
    }

    /// What happened and what to do, for the people of the organization. `code` is stored text, of
    /// another version perhaps.
    pub fn text_of(code: &str, lang: Lang) -> &'static str {
        match Self::ALL.into_iter().find(|reason| reason.as_str() == code) {
            Some(reason) => reason.text(lang),
            None => {
                lang.pick("No se pudo enviar. Reenvíalo.", "It could not be sent. Send it again.")
            }
        }
    }

    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::HardBounce => lang.pick(
                "Rebotó: la dirección no existe o no recibe correo. Corrige la dirección: la credencial se envía a la nueva.",
                "It bounced: the address does not exist or takes no mail. Correct the address: the credential is sent to the new one.",
            ),
            Self::SoftBounce => lang.pick(
                "Rebotó tres veces: la casilla está llena o su servidor no responde. Corrige la dirección, o reenvíalo cuando reciba correo.",
                "It bounced three times: the mailbox is full or its server does not answer. Correct the address, or send it again once it takes mail.",
            ),
            Self::ContentRefused => lang.pick(
                "El servidor de la persona rechazó el contenido del correo. La dirección es buena: envíale el enlace de su credencial por otro medio.",
                "The person's server refused the content of the mail. The address is good: give the person the link to the credential by other means.",
            ),
            Self::Complaint => lang.pick(
                "La persona lo marcó como no deseado, y no se le envía más. Pregúntale si quiere recibirlo en otra dirección.",
                "The person marked it as spam, and is sent no more. Ask whether another address is welcome.",
            ),
            Self::VirusFound => lang.pick(
                "El servicio de correo creyó ver un virus y no lo envió. Avisa a quien administra el servicio.",
                "The mail service thought it saw a virus and did not send it. Tell whoever runs the service.",
            ),
            Self::AccountSuppressed => lang.pick(
                "No se envió: el servicio de correo tiene la dirección en su lista de las que no reciben. Corrige la dirección, o pide a quien administra el servicio que la quite de esa lista y reenvíalo.",
                "It was not sent: the mail service has the address on its list of those that take no mail. Correct the address, or have whoever runs the service take it off that list and send it again.",
            ),
            Self::Suppressed => lang.pick(
                "No se envió: antes, un correo a esta dirección rebotó o se marcó como no deseado. Corrige la dirección: la credencial se envía a la nueva.",
                "It was not sent: an earlier mail to this address bounced or was marked as spam. Correct the address: the credential is sent to the new one.",
            ),
            Self::ErasedAddress => lang.pick(
                "No se envió: esta dirección dejó de recibir correos cuando se eliminaron los datos de su titular. Si esa persona los quiere de nuevo, quita la dirección de la lista con DELETE /api/v1/suppressions/{email} y reenvíalo.",
                "It was not sent: the address was suppressed when its owner was erased. If that person wants mail again, take the address off the list with DELETE /api/v1/suppressions/{email} and send it again.",
            ),
            Self::Rejected => lang.pick(
                "El servicio de correo rechazó la dirección o el correo. Revisa la dirección; si es la correcta, avisa a quien administra el servicio.",
                "The mail service refused the address or the mail. Check the address; if it is right, tell whoever runs the service.",
            ),
            Self::GaveUp => lang.pick(
                "No se sabe si salió: cinco intentos no tuvieron respuesta. Reenvíalo.",
                "Whether it left is unknown: five attempts had no answer. Send it again.",
            ),
        }
    }
}
