/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The streams of a queue: JetStream's calls, and which of its many settings and errors count here.
 *
 * A queue has two streams. Both have one message a subject, and refuse what has no room: what is dropped in silence
 * would be a task.
 *
 *   ferry+APPLICATION+QUEUE+tasks   ferry.APPLICATION.queue.QUEUE.task.CLASS.FILE.ID    a task that waits
 *   ferry+APPLICATION+QUEUE+ends    ferry.APPLICATION.queue.QUEUE.begun.FILE.ID         who has begun it
 *                                   ferry.APPLICATION.queue.QUEUE.end.FILE.ID           how it has ended
 *                                   ferry.APPLICATION.queue.QUEUE.mark.FILE             that the stream is the same
 *
 * A task has a header with the mark that there was when it was sent.
 *
 * A word in 'begun' changes by compare-and-set: the server refuses a message that does not follow the one that was
 * expected. So of several who begin a task one does.
 *
 * The NATS library before 3.9 has one filter a consumer, and servers before 2.10, too. So there is a consumer for each
 * class. Hosts without labels do not ask those of tasks that need some. None has a limit of deliveries: what is beyond
 * it would stay in the stream for ever, and nobody would see it.
 *
 * Where servers form a cluster, three of them keep the streams, so that one may be lost.
 *
 * A call that is not answered in time ends the connection, and all calls may be made again. A delivery is answered by
 * its subject, so that this needs no connection of its own.
 *
 * Owner:   one; freed by it.
 * Threads: one at a time, which may wait.
 * Trust:   the server is not trusted: what it gives is bounded by its largest message, and judged by who reads it. */

#include "config.h"

#include "cluster/ferry-streams-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-away-message-private.h"
#include "cluster/ferry-run-message-private.h"

/* How long a call may take, in milliseconds. */
#define CALL_TIMEOUT 3000

/* How the server says that a subject has a message, which has the code of all that it could not store. */
#define SUBJECT_IS_FULL "per subject"
/* How many servers of a cluster keep a stream. */
#define N_REPLICAS 3
#define NANOSECONDS 1000
#define MARK "Ferry-Mark"

struct _FerryStreams
{
  FerryServerAccess *access; /* (owned) */
  char *prefix;
  char *names[2]; /* by FerryStreamsKind */
  char *application;
  char *queue;
  gint64 ack_wait; /* in microseconds */
  natsConnection *nats;
  jsCtx *context;
  natsSubscription *subscriptions[FERRY_N_AWAY_CLASSES]; /* (nullable) */
  GError *error;                                         /* (owned) (nullable): of the latest call that was lost */
  GError *shortage;                                      /* (owned) (nullable) */
};

static const char *const classes[FERRY_N_AWAY_CLASSES] = {
  "high", "normal", "low", "labelled-high", "labelled-normal", "labelled-low",
};

const char *
ferry_streams_name_class (FerryAwayClass class)
{
  return classes[class];
}

void
ferry_streams_message_clear (FerryStreamsMessage *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  *self = (FerryStreamsMessage){0};
}

void
ferry_streams_delivery_free (gpointer delivery)
{
  FerryStreamsDelivery *self = delivery;

  g_free (self->subject);
  g_free (self->reply);
  g_free (self->mark);
  g_bytes_unref (self->bytes);
  g_free (self);
}

/* ---- life cycle ---- */

FerryStreams *
ferry_streams_new (const FerryBusSettings *settings, const char *queue, gint64 ack_wait, GError **error)
{
  g_autoptr (FerryStreams) self = g_new0 (FerryStreams, 1);
  g_autofree char *inbox = NULL;

  if (queue != NULL && !ferry_token_is_valid (queue))
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "'%s' cannot be the name of a queue; use 1 to %u of A-Z, a-z, 0-9, '_' and '-'", queue,
                       FERRY_MAX_TOKEN);
      return NULL;
    }
  self->access = ferry_server_access_new (settings, error);
  if (self->access == NULL)
    return NULL;
  self->application = g_strdup (settings->application);
  self->queue = g_strdup (queue != NULL ? queue : ferry_server_access_get_user (self->access));
  inbox = g_strdup_printf ("ferry.%s.queue.%s.inbox.%s", self->application, self->queue,
                           settings->host != NULL ? settings->host : ferry_server_access_get_user (self->access));
  ferry_server_access_set_inbox (self->access, inbox);
  self->prefix = g_strdup_printf ("ferry.%s.queue.%s.", self->application, self->queue);
  self->names[FERRY_STREAMS_TASKS] = g_strdup_printf ("ferry+%s+%s+tasks", self->application, self->queue);
  self->names[FERRY_STREAMS_ENDS] = g_strdup_printf ("ferry+%s+%s+ends", self->application, self->queue);
  self->ack_wait = ack_wait;
  return g_steal_pointer (&self);
}

static void
drop_connection (FerryStreams *self)
{
  for (guint i = 0; i < FERRY_N_AWAY_CLASSES; i++)
    g_clear_pointer (&self->subscriptions[i], natsSubscription_Destroy);
  g_clear_pointer (&self->context, jsCtx_Destroy);
  g_clear_pointer (&self->nats, natsConnection_Destroy);
}

void
ferry_streams_free (FerryStreams *self)
{
  drop_connection (self);
  g_clear_pointer (&self->access, ferry_server_access_free);
  g_clear_error (&self->error);
  g_clear_error (&self->shortage);
  g_free (self->names[FERRY_STREAMS_TASKS]);
  g_free (self->names[FERRY_STREAMS_ENDS]);
  g_free (self->prefix);
  g_free (self->application);
  g_free (self->queue);
  g_free (self);
}

const char *
ferry_streams_get_queue (FerryStreams *self)
{
  return self->queue;
}

const char *
ferry_streams_get_address (FerryStreams *self)
{
  return ferry_server_access_get_address (self->access);
}

gboolean
ferry_streams_is_connected (FerryStreams *self)
{
  return self->nats != NULL && !natsConnection_IsClosed (self->nats);
}

const GError *
ferry_streams_get_shortage (FerryStreams *self)
{
  return self->shortage;
}

GError *
ferry_streams_disconnect (FerryStreams *self)
{
  drop_connection (self);
  if (self->error == NULL && self->shortage != NULL)
    self->error = g_steal_pointer (&self->shortage);
  if (self->error == NULL)
    self->error = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING, "The NATS server at '%s' does not answer",
                               ferry_streams_get_address (self));
  return g_steal_pointer (&self->error);
}

/* ---- what went wrong ---- */

/* The server says only afterwards that it does not permit a subject, and answers nothing. */
static void
set_refusal (FerryStreams *self, const char *text)
{
  if (strstr (text, ".CREATE.") != NULL)
    {
      self->error = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
                                 "The NATS server at '%s' has not all that the queue '%s' needs, and this user may not "
                                 "make it (%s); have an operator run 'ferry-host --check --queue %s' once",
                                 ferry_streams_get_address (self), self->queue, text, self->queue);
      return;
    }
  self->error = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
                             "The NATS server at '%s' does not permit what the queue '%s' needs (%s); add it to the "
                             "permissions of this user, as 'nats.conf' has them",
                             ferry_streams_get_address (self), self->queue, text);
}

static void
set_missing (FerryStreams *self, FerryStreamsKind kind)
{
  self->error =
    g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                 "The NATS server at '%s' has no stream '%s'; start a host with --queue=%s whose user may make it",
                 ferry_streams_get_address (self), self->names[kind], self->queue);
}

static void
set_disabled (FerryStreams *self)
{
  self->error = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                             "The NATS server at '%s' keeps no messages; start it with --jetstream, and allow that for "
                             "the account",
                             ferry_streams_get_address (self));
}

/* Whether the server could not store a message, for what it has of others. */
static gboolean
is_shortage (jsErrCode code)
{
  return code == JSStreamStoreFailedErr || code == JSInsufficientResourcesErr ||
         code == JSAccountResourcesExceededErr || code == JSStorageResourcesExceededErr ||
         code == JSMemoryResourcesExceededErr;
}

static FerryStreamsAnswer
judge_shortage (FerryStreams *self, FerryStreamsKind kind, jsErrCode code)
{
  natsStatus status;
  const char *text = nats_GetLastError (&status);
  const char *reason = text != NULL ? strstr (text, ": ") : NULL;

  /* The library says where it was before it says what the server has said. */
  text = reason != NULL ? reason + 2 : text != NULL ? text : "no reason was given";
  if (code == JSStreamStoreFailedErr && strstr (text, SUBJECT_IS_FULL) != NULL)
    return FERRY_STREAMS_CONFLICT;
  g_clear_error (&self->shortage);
  self->shortage = g_error_new (FERRY_ERROR, FERRY_ERROR_SYSTEM,
                                "The NATS server at '%s' has no room in the stream '%s' (%s); raise the limits of its "
                                "storage, or make room on its disk",
                                ferry_streams_get_address (self), self->names[kind], text);
  return FERRY_STREAMS_NO_ROOM;
}

/* kind: of the stream that the call was about. */
static FerryStreamsAnswer
judge (FerryStreams *self, FerryStreamsKind kind, natsStatus status, jsErrCode code)
{
  const char *text = NULL;

  if (status == NATS_OK)
    return FERRY_STREAMS_DONE;
  if (code == JSStreamWrongLastSequenceErr)
    return FERRY_STREAMS_CONFLICT;
  if (is_shortage (code))
    return judge_shortage (self, kind, code);
  if (code == JSNoMessageFoundErr || code == JSSequenceNotFoundErr || code == JSStreamMsgDeleteFailed)
    return FERRY_STREAMS_NOTHING;
  if (status == NATS_MAX_PAYLOAD || code == JSStreamMessageExceedsMaximumErr)
    return FERRY_STREAMS_TOO_LARGE;
  g_clear_error (&self->error);
  if (natsConnection_GetLastError (self->nats, &text) != NATS_OK && text != NULL &&
      g_strstr_len (text, -1, "ermissions") != NULL)
    set_refusal (self, text);
  else if (code == JSStreamNotFoundErr || code == JSConsumerNotFoundErr)
    set_missing (self, kind);
  else if (code == JSNotEnabledErr || code == JSNotEnabledForAccountErr)
    set_disabled (self);
  else if (status == NATS_NO_RESPONDERS)
    set_missing (self, kind);
  else
    self->error = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING, "The NATS server at '%s' does not answer (%s)",
                               ferry_streams_get_address (self), ferry_server_access_describe (status));
  return FERRY_STREAMS_LOST;
}

/* ---- the streams ---- */

static natsStatus
add_stream (FerryStreams *self, FerryStreamsKind kind, gint64 n_replicas, jsErrCode *code)
{
  g_autofree char *tasks = g_strconcat (self->prefix, "task.>", NULL);
  g_autofree char *begun = g_strconcat (self->prefix, "begun.>", NULL);
  g_autofree char *ends = g_strconcat (self->prefix, "end.>", NULL);
  g_autofree char *marks = g_strconcat (self->prefix, "mark.>", NULL);
  const char *of_tasks[] = {tasks};
  const char *of_ends[] = {begun, ends, marks};
  jsStreamConfig config;

  jsStreamConfig_Init (&config);
  config.Name = self->names[kind];
  config.Discard = js_DiscardNew;
  config.MaxMsgsPerSubject = 1;
  config.Replicas = n_replicas;
  if (kind == FERRY_STREAMS_TASKS)
    {
      config.Subjects = of_tasks;
      config.SubjectsLen = G_N_ELEMENTS (of_tasks);
      config.Retention = js_WorkQueuePolicy;
      config.DiscardNewPerSubject = true;
    }
  else
    {
      config.Subjects = of_ends;
      config.SubjectsLen = G_N_ELEMENTS (of_ends);
    }
  return js_AddStream (NULL, self->context, &config, NULL, code);
}

static natsStatus
make_stream (FerryStreams *self, FerryStreamsKind kind, jsErrCode *code)
{
  natsStatus status = add_stream (self, kind, N_REPLICAS, code);

  if (status == NATS_OK || (*code != JSStreamReplicasNotSupportedErr && *code != JSClusterNoPeersErr))
    return status;
  if (*code == JSClusterNoPeersErr)
    g_message ("One server keeps the queue's stream '%s', as its cluster has no %d that do; raise its replicas once it "
               "has",
               self->names[kind], N_REPLICAS);
  *code = 0;
  return add_stream (self, kind, 1, code);
}

static gboolean
is_there (FerryStreams *self, FerryStreamsKind kind, gboolean makes)
{
  jsErrCode code = 0;
  jsStreamInfo *about = NULL;
  natsStatus status = js_GetStreamInfo (&about, self->context, self->names[kind], NULL, &code);

  jsStreamInfo_Destroy (about);
  if (status != NATS_OK && code == JSStreamNotFoundErr && makes)
    {
      code = 0;
      status = make_stream (self, kind, &code);
    }
  if (status == NATS_OK)
    g_clear_error (&self->shortage);
  return judge (self, kind, status, code) == FERRY_STREAMS_DONE;
}

static natsStatus
add_consumer (FerryStreams *self, FerryAwayClass class, jsErrCode *code)
{
  g_autofree char *filter = g_strdup_printf ("%stask.%s.>", self->prefix, classes[class]);
  jsConsumerConfig config;

  jsConsumerConfig_Init (&config);
  config.Durable = classes[class];
  config.FilterSubject = filter;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = self->ack_wait * NANOSECONDS;
  config.MaxDeliver = -1;
  config.MaxAckPending = -1;
  return js_AddConsumer (NULL, self->context, self->names[FERRY_STREAMS_TASKS], &config, NULL, code);
}

static void
note_ack_wait (FerryStreams *self, natsStatus status, const jsConsumerInfo *about)
{
  if (status == NATS_OK && about->Config != NULL && about->Config->AckWait > 0)
    self->ack_wait = about->Config->AckWait / NANOSECONDS;
}

/* Of a host: what it fetches by. */
static gboolean
has_consumer (FerryStreams *self, FerryAwayClass class)
{
  jsErrCode code = 0;
  jsConsumerInfo *about = NULL;
  const char *stream = self->names[FERRY_STREAMS_TASKS];
  natsStatus status = js_GetConsumerInfo (&about, self->context, stream, classes[class], NULL, &code);

  note_ack_wait (self, status, about);
  jsConsumerInfo_Destroy (about);
  if (status != NATS_OK && code == JSConsumerNotFoundErr)
    {
      code = 0;
      status = add_consumer (self, class, &code);
    }
  return judge (self, FERRY_STREAMS_TASKS, status, code) == FERRY_STREAMS_DONE;
}

static gboolean
subscribe (FerryStreams *self, FerryAwayClass class)
{
  g_autofree char *filter = g_strdup_printf ("%stask.%s.>", self->prefix, classes[class]);
  jsErrCode code = 0;
  jsSubOptions options;
  natsStatus status;

  jsSubOptions_Init (&options);
  options.Stream = self->names[FERRY_STREAMS_TASKS];
  options.Consumer = classes[class];
  options.ManualAck = true;
  status = js_PullSubscribe (&self->subscriptions[class], self->context, filter, classes[class], NULL, &options, &code);
  return judge (self, FERRY_STREAMS_TASKS, status, code) == FERRY_STREAMS_DONE;
}

gboolean
ferry_streams_connect (FerryStreams *self, guint n_classes, GError **error)
{
  jsOptions options;
  gboolean are_there;

  if (ferry_streams_is_connected (self))
    return TRUE;
  drop_connection (self);
  self->nats = ferry_server_access_connect (self->access, NULL, NULL, NULL, error);
  if (self->nats == NULL)
    return FALSE;
  jsOptions_Init (&options);
  options.Wait = CALL_TIMEOUT;
  are_there = natsConnection_JetStream (&self->context, self->nats, &options) == NATS_OK &&
              is_there (self, FERRY_STREAMS_TASKS, n_classes > 0) && is_there (self, FERRY_STREAMS_ENDS, n_classes > 0);
  for (FerryAwayClass class = 0; are_there && class < n_classes; class ++)
    are_there = has_consumer (self, class) && subscribe (self, class);
  if (are_there)
    return TRUE;
  g_propagate_error (error, ferry_streams_disconnect (self));
  return FALSE;
}

/* ---- messages ---- */

static FerryStreamsKind
get_kind (const char *subject)
{
  return g_str_has_prefix (subject, "task.") ? FERRY_STREAMS_TASKS : FERRY_STREAMS_ENDS;
}

/* mark: (nullable). */
static FerryStreamsAnswer
publish (FerryStreams *self, const char *subject, GBytes *bytes, const char *mark, jsPubOptions *options)
{
  g_autofree char *whole = g_strconcat (self->prefix, subject, NULL);
  jsErrCode code = 0;
  natsMsg *message = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  natsStatus status;

  if ((gint64) size + 1024 > natsConnection_GetMaxPayload (self->nats))
    return FERRY_STREAMS_TOO_LARGE;
  options->MaxWait = CALL_TIMEOUT;
  status = natsMsg_Create (&message, whole, NULL, data, (int) size);
  if (status == NATS_OK && mark != NULL)
    status = natsMsgHeader_Set (message, MARK, mark);
  if (status == NATS_OK)
    status = js_PublishMsg (NULL, self->context, message, options, &code);
  natsMsg_Destroy (message);
  if (status == NATS_OK)
    g_clear_error (&self->shortage);
  return judge (self, get_kind (subject), status, code);
}

FerryStreamsAnswer
ferry_streams_create (FerryStreams *self, const char *subject, GBytes *bytes, const char *mark)
{
  jsPubOptions options;

  jsPubOptions_Init (&options);
  options.ExpectNoMessage = true;
  return publish (self, subject, bytes, mark, &options);
}

FerryStreamsAnswer
ferry_streams_replace (FerryStreams *self, const char *subject, GBytes *bytes, guint64 expected)
{
  jsPubOptions options;

  jsPubOptions_Init (&options);
  options.ExpectLastSubjectSeq = expected;
  return publish (self, subject, bytes, NULL, &options);
}

FerryStreamsAnswer
ferry_streams_read (FerryStreams *self, const char *subject, FerryStreamsMessage *message)
{
  g_autofree char *whole = g_strconcat (self->prefix, subject, NULL);
  jsErrCode code = 0;
  natsMsg *found = NULL;
  const FerryStreamsKind kind = get_kind (subject);
  natsStatus status = js_GetLastMsg (&found, self->context, self->names[kind], whole, NULL, &code);
  FerryStreamsAnswer answer = judge (self, kind, status, code);

  if (answer == FERRY_STREAMS_DONE)
    {
      message->bytes = g_bytes_new (natsMsg_GetData (found), (gsize) natsMsg_GetDataLength (found));
      message->sequence = natsMsg_GetSequence (found);
      message->time = natsMsg_GetTime (found) / NANOSECONDS;
    }
  natsMsg_Destroy (found);
  return answer;
}

FerryStreamsAnswer
ferry_streams_read_mark (FerryStreams *self, const char *file, char **mark)
{
  g_autofree char *subject = g_strconcat ("mark.", file, NULL);
  g_auto (FerryStreamsMessage) message = {0};
  g_auto (FerryAwayBegun) content = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self, subject, &message);

  *mark = NULL;
  if (answer == FERRY_STREAMS_DONE && ferry_away_begun_from_bytes (&content, message.bytes, NULL))
    *mark = g_steal_pointer (&content.instance);
  return answer;
}

FerryStreamsAnswer
ferry_streams_delete (FerryStreams *self, guint64 sequence)
{
  jsErrCode code = 0;
  natsStatus status = js_DeleteMsg (self->context, self->names[FERRY_STREAMS_ENDS], sequence, NULL, &code);

  return judge (self, FERRY_STREAMS_ENDS, status, code);
}

FerryStreamsAnswer
ferry_streams_purge (FerryStreams *self, const char *subject)
{
  g_autofree char *whole = g_strconcat (self->prefix, subject, NULL);
  jsErrCode code = 0;
  jsOptions options;
  natsStatus status;

  jsOptions_Init (&options);
  options.Wait = CALL_TIMEOUT;
  options.Stream.Purge.Subject = whole;
  status = js_PurgeStream (self->context, self->names[FERRY_STREAMS_TASKS], &options, &code);
  return judge (self, FERRY_STREAMS_TASKS, status, code);
}

FerryStreamsAnswer
ferry_streams_list (FerryStreams *self, FerryStreamsKind kind, const char *pattern, GPtrArray **subjects)
{
  g_autofree char *whole = g_strconcat (self->prefix, pattern, NULL);
  jsErrCode code = 0;
  jsStreamInfo *about = NULL;
  jsOptions options;
  natsStatus status;

  *subjects = g_ptr_array_new_with_free_func (g_free);
  jsOptions_Init (&options);
  options.Wait = CALL_TIMEOUT;
  options.Stream.Info.SubjectsFilter = whole;
  status = js_GetStreamInfo (&about, self->context, self->names[kind], &options, &code);
  for (int i = 0; status == NATS_OK && about->State.Subjects != NULL && i < about->State.Subjects->Count; i++)
    {
      const char *subject = about->State.Subjects->List[i].Subject;

      if (g_str_has_prefix (subject, self->prefix))
        g_ptr_array_add (*subjects, g_strdup (subject + strlen (self->prefix)));
    }
  jsStreamInfo_Destroy (about);
  return judge (self, kind, status, code);
}

/* ---- deliveries ---- */

gint64
ferry_streams_get_ack_wait (FerryStreams *self)
{
  return self->ack_wait;
}

FerryStreamsAnswer
ferry_streams_get_delivered (FerryStreams *self, const char *subject, guint64 *sequence)
{
  g_auto (GStrv) tokens = g_strsplit (subject, ".", 3);
  jsErrCode code = 0;
  jsConsumerInfo *about = NULL;
  natsStatus status;

  status = js_GetConsumerInfo (&about, self->context, self->names[FERRY_STREAMS_TASKS], tokens[1], NULL, &code);
  *sequence = status == NATS_OK ? about->Delivered.Stream : 0;
  note_ack_wait (self, status, about);
  jsConsumerInfo_Destroy (about);
  /* No host has asked for that class yet. */
  if (status != NATS_OK && code == JSConsumerNotFoundErr)
    return FERRY_STREAMS_DONE;
  return judge (self, FERRY_STREAMS_TASKS, status, code);
}

FerryStreamsAnswer
ferry_streams_count_pending (FerryStreams *self, FerryAwayClass class, guint64 *n_new, guint64 *n_open)
{
  jsErrCode code = 0;
  jsConsumerInfo *about = NULL;
  const char *stream = self->names[FERRY_STREAMS_TASKS];
  natsStatus status = js_GetConsumerInfo (&about, self->context, stream, classes[class], NULL, &code);

  *n_new = status == NATS_OK ? about->NumPending : 0;
  *n_open = status == NATS_OK && about->NumAckPending > 0 ? (guint64) about->NumAckPending : 0;
  jsConsumerInfo_Destroy (about);
  return judge (self, FERRY_STREAMS_TASKS, status, code);
}

static FerryStreamsDelivery *
delivery_new (natsMsg *message, const char *subject)
{
  FerryStreamsDelivery *self = g_new0 (FerryStreamsDelivery, 1);
  const char *mark = NULL;

  self->subject = g_strdup (subject);
  self->reply = g_strdup (natsMsg_GetReply (message));
  self->bytes = g_bytes_new (natsMsg_GetData (message), (gsize) natsMsg_GetDataLength (message));
  if (natsMsgHeader_Get (message, MARK, &mark) == NATS_OK)
    self->mark = g_strdup (mark);
  return self;
}

FerryStreamsAnswer
ferry_streams_fetch (FerryStreams *self, FerryAwayClass class, guint n, gint64 timeout, GPtrArray *deliveries)
{
  jsErrCode code = 0;
  natsMsgList list = {0};
  natsStatus status = natsSubscription_Fetch (&list, self->subscriptions[class], (int) n, timeout, &code);

  for (int i = 0; i < list.Count; i++)
    {
      natsMsg *message = list.Msgs[i];
      const char *subject = natsMsg_GetSubject (message);

      if (natsMsg_GetReply (message) != NULL && g_str_has_prefix (subject, self->prefix))
        g_ptr_array_add (deliveries, delivery_new (message, subject + strlen (self->prefix)));
    }
  natsMsgList_Destroy (&list);
  if (status == NATS_TIMEOUT && ferry_streams_is_connected (self))
    return FERRY_STREAMS_DONE;
  return judge (self, FERRY_STREAMS_TASKS, status, code);
}

FerryStreamsAnswer
ferry_streams_answer (FerryStreams *self, const char *reply, const char *text, gboolean wants_answer)
{
  natsMsg *answer = NULL;
  natsStatus status;

  if (!wants_answer)
    status = natsConnection_PublishString (self->nats, reply, text);
  else
    status = natsConnection_RequestString (&answer, self->nats, reply, text, CALL_TIMEOUT);
  natsMsg_Destroy (answer);
  return judge (self, FERRY_STREAMS_TASKS, status, 0);
}
