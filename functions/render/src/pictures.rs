//! The pictures of a certificate: the organization's logo, the achievement's badge, those of its design.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use futures::future::try_join_all;
use unicreda::{
    App,
    domain::{
        design::Design,
        image::{Image, ImageId, ImageKind},
        picture::Png,
    },
    store::StoreError,
};

/// A picture that can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// PNG, or SVG as `unicreda::domain::svg` writes it.
    pub kind: ImageKind,
    /// The file.
    pub file: Vec<u8>,
}

/// Pictures that were read, for drawings that share them. The picture of an id never changes.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<ImageId, Option<Picture>>>);

impl Known {
    /// Pictures kept; beyond that all are forgotten.
    const MOST: usize = 32;

    fn get(&self, id: &ImageId) -> Option<Option<Picture>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep(&self, id: &ImageId, picture: Option<Picture>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(id.clone(), picture);
    }
}

/// Where pictures come from, before the store is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// Those that a request brought.
    pub brought: &'a [(Image, Vec<u8>)],
    /// Those that were read before.
    pub known: Option<&'a Known>,
}

/// The pictures that a design names.
#[derive(Debug, Default)]
pub struct DesignPictures {
    /// The picture behind the texts; [`Design::backdrop`] says how it lies.
    pub backdrop: Option<Picture>,
    /// Those of [`Design::signatories`], in their order.
    pub signatures: Vec<Option<Picture>>,
}

impl DesignPictures {
    /// Reads the pictures of a design.
    ///
    /// # Errors
    /// [`StoreError`] of the reads.
    pub async fn read(
        app: &App,
        design: &Design,
        sources: Sources<'_>,
    ) -> Result<Self, StoreError> {
        let backdrop = design.backdrop.as_ref().map(|backdrop| &backdrop.image);
        let signatures = design.signatories.iter().map(|s| s.signature.as_ref());
        let reads = std::iter::once(backdrop).chain(signatures);
        let mut read =
            try_join_all(reads.map(|image| picture(app, image, sources))).await?.into_iter();
        Ok(Self { backdrop: read.next().flatten(), signatures: read.collect() })
    }
}

/// The picture of an image, without what does not draw. `None` for one that cannot be drawn: a
/// credential is shown without its decoration, and not refused because of it.
pub async fn picture(
    app: &App,
    image: Option<&Image>,
    sources: Sources<'_>,
) -> Result<Option<Picture>, StoreError> {
    let Some(image) = image else {
        return Ok(None);
    };
    if let Some(picture) = sources.known.and_then(|known| known.get(&image.id)) {
        return Ok(picture);
    }
    let picture = read(app, image, sources.brought).await?;
    if let Some(known) = sources.known {
        known.keep(&image.id, picture.clone());
    }
    Ok(picture)
}

async fn read(
    app: &App,
    image: &Image,
    brought: &[(Image, Vec<u8>)],
) -> Result<Option<Picture>, StoreError> {
    let file = match brought.iter().find(|(known, _)| known == image) {
        Some((_, file)) => Some(file.clone()),
        None => app.catalog.image(&image.id).await?.map(|(_, file)| file),
    };
    let Some(file) = file else {
        return Ok(None);
    };
    let kind = image.kind;
    if kind == ImageKind::Svg {
        return Ok(Some(Picture { kind, file }));
    }
    match Png::kept(&file) {
        Ok(png) => Ok(Some(Picture { kind, file: png.into_bytes() })),
        Err(error) => {
            tracing::error!(%error, image_id = %image.id, "image not drawn");
            Ok(None)
        }
    }
}
