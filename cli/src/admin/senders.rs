//! The senders that an organization may use, as its operator changes them.

use anyhow::{Context, bail};
use unicreda::domain::{
    email::EmailAddress,
    sender::{AllowedSender, MOST_SENDERS, SenderBound},
};

use crate::printer::print_error;

/// The senders that flags add and remove.
#[derive(Clone, Copy)]
pub(super) struct SenderChange<'a> {
    pub(super) allow: &'a [String],
    pub(super) remove: &'a [String],
}

impl SenderChange<'_> {
    /// Returns the senders after the change. `sender` is the one that mail is to have: it is
    /// always among them, so that no mail waits for an address.
    ///
    /// # Errors
    /// With what is wrong with a flag.
    pub(super) fn apply(
        self,
        mut senders: Vec<AllowedSender>,
        sender: &EmailAddress,
    ) -> anyhow::Result<Vec<AllowedSender>> {
        for text in self.remove {
            let wanted = AllowedSender::parse(text).ok();
            let at = senders
                .iter()
                .position(|allowed| Some(allowed) == wanted.as_ref() || allowed.as_str() == text);
            let Some(at) = at else {
                bail!("--remove-sender {text}: it is not among {}", shown(&senders));
            };
            let removed = senders.remove(at);
            if removed.allows(sender) && !senders.iter().any(|allowed| allowed.allows(sender)) {
                bail!(
                    "--remove-sender {text}: mail is sent as {}; name another sender in the same command with --sender",
                    sender.as_str()
                );
            }
        }
        for text in self.allow {
            let allowed = AllowedSender::parse(text).ok().with_context(|| {
                format!("--allow-sender {text}: give an address or a domain, e.g. titulos@uni.edu or uni.edu")
            })?;
            // Of its subdomains, none.
            if let Some(domain) = allowed.as_str().strip_prefix('@') {
                print_error(&format!(
                    "--allow-sender {text}: allows every address of exactly {domain}, as {allowed}."
                ));
            }
            if !senders.contains(&allowed) {
                senders.push(allowed);
            }
        }
        if !senders.iter().any(|allowed| allowed.allows(sender)) {
            senders.push(AllowedSender::of(sender));
        }
        if senders.len() > MOST_SENDERS {
            bail!("--allow-sender: at most {MOST_SENDERS} senders; allow their domain instead");
        }
        Ok(senders)
    }
}

/// Requires that the deployment can send mail from each sender that is new.
///
/// # Errors
/// With the first from which it cannot, and what to do.
pub(super) fn require_within(
    bound: &SenderBound,
    before: &[AllowedSender],
    after: &[AllowedSender],
) -> anyhow::Result<()> {
    let mut new = after.iter().filter(|sender| !before.contains(sender));
    if let Some(sender) = new.find(|sender| !bound.admits(sender)) {
        bail!(
            "{sender}: this deployment can send mail from {bound} alone (its parameter SenderAddresses), so such mail would not go out. Deploy it with SenderAddresses={} first, or name another sender",
            bound.with(sender)
        );
    }
    Ok(())
}

fn shown(senders: &[AllowedSender]) -> String {
    senders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
