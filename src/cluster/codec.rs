//! [`ClusterExec`] as bytes. Peers of another version are refused, with both versions in the sentence.

use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::VERSION;
use super::plan::ClusterExec;

/// Begins what is ours; the length of the version, the version and the order as JSON follow. This much stays the same
/// in every version.
const MAGIC: &[u8] = b"clipflow\0";
/// Begins what is Ballista's.
const BALLISTA: u8 = b'B';

/// Ours, or Ballista's own.
#[derive(Debug, Default)]
pub(super) struct ClusterCodec {
    ballista: BallistaPhysicalExtensionCodec,
}

/// The version of a peer's node and what follows it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (version, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(version).ok()?, rest))
}

fn refused(sentence: String) -> DataFusionError {
    DataFusionError::Plan(sentence)
}

impl PhysicalExtensionCodec for ClusterCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(bytes) = bytes.strip_prefix(MAGIC) {
            let (version, order) = split(bytes)
                .ok_or_else(|| refused("this job is damaged; submit it anew".into()))?;
            if version != VERSION {
                return Err(refused(format!(
                    "this process of the cluster is clipflow {VERSION} and the client is clipflow {version}; install one version on all machines"
                )));
            }
            let order = serde_json::from_slice(order)
                .map_err(|e| refused(format!("this job cannot be read ({e}); submit it anew")))?;
            let [input] = inputs else {
                return Err(refused("this job has no rows; submit it anew".into()));
            };
            return Ok(Arc::new(ClusterExec::new(order, Arc::clone(input))));
        }
        match bytes.split_first() {
            Some((&BALLISTA, rest)) => self.ballista.try_decode(rest, inputs, context, converter),
            _ => Err(refused(format!(
                "this is no job of clipflow; the cluster runs those of clipflow {VERSION} alone"
            ))),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(ours) = node.downcast_ref::<ClusterExec>() else {
            bytes.push(BALLISTA);
            return self.ballista.try_encode(node, bytes, converter);
        };
        encode(ours, VERSION, bytes)
    }
}

fn encode(node: &ClusterExec, version: &str, bytes: &mut Vec<u8>) -> Result<()> {
    let order = serde_json::to_vec(node.order());
    let order = order.map_err(|e| DataFusionError::External(Box::new(e)))?;
    bytes.extend(MAGIC);
    bytes.push(u8::try_from(version.len()).unwrap_or(u8::MAX));
    bytes.extend(version.as_bytes());
    bytes.extend(order);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cluster::RowOrder;
    use crate::exec::WorkSpec;
    use datafusion_proto::physical_plan::{AsExecutionPlan, DefaultPhysicalProtoConverter};
    use datafusion_proto::protobuf::PhysicalPlanNode;

    fn plan() -> ClusterExec {
        let order = RowOrder {
            folder: "/out/_staging/run-1/cluster".into(),
            work: WorkSpec::registered("select"),
            roots: vec!["/videos".to_owned()],
        };
        let rows = [("k1".to_owned(), 700), ("k2".to_owned(), 800)];
        ClusterExec::over_files(order, &rows).unwrap()
    }

    #[test]
    fn a_job_travels_with_a_partition_for_each_row() {
        let codec = ClusterCodec::default();
        let sent = PhysicalPlanNode::try_from_physical_plan(Arc::new(plan()), &codec).unwrap();
        let come = sent.try_into_physical_plan(&TaskContext::default(), &codec).unwrap();
        let ours = come.downcast_ref::<ClusterExec>().unwrap();
        assert_eq!(ours.order(), plan().order());
        assert_eq!(come.properties().output_partitioning().partition_count(), 2);
    }

    #[test]
    fn another_version_is_refused_with_both_named() {
        let codec = ClusterCodec::default();
        let (mut bytes, plan) = (vec![], plan());
        encode(&plan, "0.0.9", &mut bytes).unwrap();
        let input = Arc::clone(plan.children()[0]);
        let decode = |bytes: &[u8]| {
            let converter = DefaultPhysicalProtoConverter {};
            codec.try_decode(bytes, &[Arc::clone(&input)], &TaskContext::default(), &converter)
        };
        let sentence = decode(&bytes).unwrap_err().to_string();
        assert!(sentence.contains("clipflow 0.0.9") && sentence.contains(VERSION), "{sentence}");
        let sentence = decode(b"something").unwrap_err().to_string();
        assert!(sentence.contains("no job of clipflow"), "{sentence}");
    }
}
