//! Dictionaries of signed documents in the credentials table.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use super::{StoreError, credentials::id_key, status_lists::StatusLists};
use crate::domain::{credential::Packed, packing};

/// Dictionaries kept in memory; a full cache is emptied.
const CACHED: usize = 1_000;

impl StatusLists {
    /// Stores a dictionary and returns its name. A repeated call writes the same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_dictionary(&self, dictionary: &[u8]) -> Result<String, StoreError> {
        let name = packing::name_of(dictionary);
        if self.dictionaries(|kept| kept.contains_key(&name)) {
            return Ok(name);
        }
        let mut item = id_key(format!("DICT#{name}"));
        item.insert("text".to_owned(), AttributeValue::B(Blob::new(dictionary)));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        self.remember(&name, dictionary.to_vec());
        Ok(name)
    }

    /// Returns a signed document, byte for byte; `None` for an item of format 1.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Broken`] when its dictionary is missing.
    pub async fn document(&self, signed: &Packed) -> Result<Option<Vec<u8>>, StoreError> {
        if signed.document.is_empty() {
            return Ok(None);
        }
        let name = &signed.dictionary;
        let dictionary = match self.dictionaries(|kept| kept.get(name).cloned()) {
            Some(dictionary) => dictionary,
            None => {
                let item = self.get(id_key(format!("DICT#{name}"))).await?.unwrap_or_default();
                let text = item.get("text").and_then(|text| text.as_b().ok()).cloned();
                let text = text.ok_or(StoreError::Broken("no such dictionary".to_owned()))?;
                self.remember(name, text.into_inner())
            }
        };
        let document = packing::unpack(&signed.document, &dictionary);
        document.map(Some).map_err(|e| StoreError::Broken(e.to_string()))
    }

    fn remember(&self, name: &str, dictionary: Vec<u8>) -> Arc<Vec<u8>> {
        let dictionary = Arc::new(dictionary);
        let kept = Arc::clone(&dictionary);
        self.dictionaries(|all| {
            if all.len() >= CACHED {
                all.clear();
            }
            all.insert(name.to_owned(), kept)
        });
        dictionary
    }

    fn dictionaries<T>(&self, look: impl FnOnce(&mut HashMap<String, Arc<Vec<u8>>>) -> T) -> T {
        let mut kept = self.dictionaries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut kept)
    }
}
