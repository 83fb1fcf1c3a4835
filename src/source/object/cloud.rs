//! Cloud object stores, configured from the environment variables of their vendors.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ClientConfigKey, RetryConfig};
use url::Url;

use super::multipart::MultipartObjectStore;

/// One attempt: the caller decides about the next one.
fn one_attempt() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Time limit of a whole request unless the environment sets one: large objects take long, and their
/// readers and writers check progress themselves.
const REQUEST_TIMEOUT: &str = "1 day";

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

pub(super) fn amazon(url: &Url) -> Result<Arc<dyn MultipartObjectStore>, String> {
    let mut builder = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(one_attempt());
    if !is_set("AWS_TIMEOUT") {
        let key = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
        builder = builder.with_config(key, REQUEST_TIMEOUT);
    }
    let store = builder.build().map_err(|e| {
        format!("{}; set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", cause(&e))
    })?;
    Ok(Arc::new(store))
}

pub(super) fn google(url: &Url) -> Result<Arc<dyn MultipartObjectStore>, String> {
    let mut builder =
        GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).with_retry(one_attempt());
    if !is_set("GOOGLE_TIMEOUT") {
        let key = GoogleConfigKey::Client(ClientConfigKey::Timeout);
        builder = builder.with_config(key, REQUEST_TIMEOUT);
    }
    let store = builder.build().map_err(|e| {
        let cause = cause(&e);
        format!("{cause}; set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account")
    })?;
    Ok(Arc::new(store))
}

pub(super) fn azure(url: &Url) -> Result<Arc<dyn MultipartObjectStore>, String> {
    let mut builder =
        MicrosoftAzureBuilder::from_env().with_url(url.as_str()).with_retry(one_attempt());
    if !is_set("AZURE_TIMEOUT") {
        let key = AzureConfigKey::Client(ClientConfigKey::Timeout);
        builder = builder.with_config(key, REQUEST_TIMEOUT);
    }
    let store = builder.build().map_err(|e| {
        let cause = cause(&e);
        format!("{cause}; set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY")
    })?;
    Ok(Arc::new(store))
}

/// The message of a builder, without its prefix.
fn cause(error: &object_store::Error) -> String {
    let text = match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    text.trim_end_matches('.').to_owned()
}
