/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the programs of the pipeline meet in: subjects, headers, streams and codes
 * of the Beamline contract (v1). Names are frozen; additions only.
 */
#pragma once

#define SL_MESSAGE_VERSION "1"

/* ---- subjects ---------------------------------------------------------------------- */

#define SL_SUBJECT_DECIDE	    "beamline.router.v1.decide"
#define SL_SUBJECT_DECIDE_REPLY	    "beamline.router.v1.decide.reply"
#define SL_SUBJECT_GET_DECISION	    "beamline.router.v1.get_decision"
#define SL_SUBJECT_EXTENSION_HEALTH "beamline.router.v1.admin.get_extension_health"
#define SL_SUBJECT_BREAKER_STATES   "beamline.router.v1.admin.get_circuit_breaker_states"
#define SL_SUBJECT_DRY_RUN	    "beamline.router.v1.admin.dry_run_pipeline"
#define SL_SUBJECT_COMPLEXITY	    "beamline.router.v1.admin.get_pipeline_complexity"
#define SL_SUBJECT_ASSIGN	    "caf.exec.assign.v1"
#define SL_SUBJECT_ASSIGN_ACK	    "caf.exec.assign.v1.ack"
#define SL_SUBJECT_RESULT	    "caf.exec.result.v1"
#define SL_SUBJECT_CANCEL	    "caf.exec.cancel.v1" /* additive: router to workers, core */
#define SL_SUBJECT_HEARTBEAT	    "caf.worker.heartbeat.v1"
#define SL_SUBJECT_HEARTBEAT_OLD    "caf.status.heartbeat.v1" /* accepted */
#define SL_SUBJECT_USAGE	    "beamline.usage.v1.metered"
#define SL_SUBJECT_DLQ_SUFFIX	    ".dlq"
#define SL_SUBJECT_EXEC_DLQ	    "caf.exec.dlq.v1"
#define SL_SUBJECT_EXEC_DLQ_OLD	    "caf.deadletter.v1" /* accepted */
#define SL_SUBJECT_ALERT_PREFIX	    "beamline.alert.v1."
#define SL_SUBJECT_BACKPRESSURE	    "beamline.router.v2.status.backpressure"

#define SL_QUEUE_DECIDE "router-decide-group"

/* ---- streams and durables -------------------------------------------------------------- */

#define SL_STREAM_ASSIGN  "SLUICE_ASSIGN"  /* caf.exec.assign.v1, a work queue */
#define SL_STREAM_ACKS	  "SLUICE_ACKS"	   /* caf.exec.assign.v1.ack */
#define SL_STREAM_RESULTS "SLUICE_RESULTS" /* caf.exec.result.v1 */
#define SL_STREAM_USAGE	  "SLUICE_USAGE"   /* beamline.usage.v1.metered */
#define SL_STREAM_DLQ	  "SLUICE_DLQ"	   /* every dead letter subject */

#define SL_DURABLE_WORKERS "sluice-workers"
#define SL_DURABLE_ACKS	   "router-acks"
#define SL_DURABLE_RESULTS "router-results"
#define SL_DURABLE_USAGE   "sluice-usage"

#define SL_BUCKET_IDEMPOTENCY "SLUICE_IDEMPOTENCY"
#define SL_BUCKET_REGISTRY    "SLUICE_REGISTRY"
#define SL_BUCKET_MESSAGES    "SLUICE_MESSAGES"
#define SL_BUCKET_DECISIONS   "SLUICE_DECISIONS"

/* ---- headers of every message ------------------------------------------------------------ */

#define SL_HEADER_TRACE_ID    "trace_id"
#define SL_HEADER_TENANT_ID   "tenant_id"
#define SL_HEADER_VERSION     "version"
#define SL_HEADER_TRACEPARENT "traceparent"
#define SL_HEADER_TRACESTATE  "tracestate"
#define SL_HEADER_MSG_ID      "Nats-Msg-Id"
#define SL_HEADER_CRITICALITY "x-criticality" /* additive: sheddable ... critical_plus */
#define SL_HEADER_DLQ_REASON  "x-dlq-reason"
#define SL_HEADER_DLQ_MSG_ID  "x-original-msg-id"

/* Nats-Msg-Id is one of these and the assignment_id (or request_id). */
#define SL_MSG_ID_ASSIGN "assign-"
#define SL_MSG_ID_ACK	 "ack-"
#define SL_MSG_ID_RESULT "result-"
#define SL_MSG_ID_USAGE	 "usage-"

/* ---- bounds --------------------------------------------------------------------------------- */

#define SL_IDENTIFIER_MAX      128 /* characters of an identifier */
#define SL_IDEMPOTENCY_KEY_MAX 256
#define SL_TASK_TYPE_MAX       64
#define SL_PAYLOAD_BYTES_MIN   10	  /* of task.payload as encoded */
#define SL_REQUEST_BYTES_MAX   (1u << 20) /* of a DecideRequest */
#define SL_TRACESTATE_MAX      512
