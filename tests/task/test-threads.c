/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-affinity.c
 *
 * Public functions on a thread that they do not belong to: each of them works there, or says that it does not, and does
 * nothing. thread-calls.h has all of them. This program is its own worker. */

#include "config.h"

#include <ferry-classic.h>
#include <signal.h>
#include <string.h>

#include "object/ferry-list-replica-private.h"
#include "task/ferry-executor-private.h"
#include "task/task-test.h"

typedef enum
{
  SAYS,  /* by a critical that names the function */
  FAILS, /* by FERRY_ERROR_WRONG_THREAD */
  WORKS,
  IS_LISTED,
} Outcome;

typedef enum
{
  ANY,
  HOME,
  SINGLE,
  UNSAID,
} Thread;

typedef struct
{
  FerryRouter *router;
  FerryPool *pool;
  FerryExecutor *executor;
  FerryLauncher *launcher;
  FerrySandbox *sandbox;
  FerryForkServer *fork_server;
  FerryReceiver *receiver;
  FerrySender *sender;
  FerryWorker *worker;
  FerryTask *task;        /* is being run */
  FerryTask *other;       /* is not submitted */
  FerryTask *unsubmitted; /* the same, for settings */
  FerryTask *submitted;   /* (nullable) */
  FerryTaskGroup *group;
  FerryMap *map;     /* is not started */
  FerryMap *started; /* the same, started */
  FerryProcess *process;
  FerryChannel *channel;
  FerryExchange *exchange;
  FerryTransport *transport;
  FerryTransport *other_end;
  FerryMux *mux;
  FerryDemux *demux;
  FerryExporter *exporter;
  FerryProxy *proxy;
  FerryView *view;
  FerryListReplica *replica;
  FerryListRow *row;
  FerryListener *listener;
  FerryErrorList *list;
  FerryExit *exit;
  GListModel *model;
  GVariant *arguments;
  GObject *owner;
  GTask *result; /* (owned) (nullable): what an _async function gave its callback */
  GError *failure;
  char *folder;
  char *address;
  struct
  {
    FerrySender *sender;
    FerryReceiver *receiver;
    GVariant *value;
  } none; /* what a function would give that does nothing */
} Scene;

typedef struct
{
  const char *name;
  Outcome outcome;
  void (*call) (Scene *s, GError **error);
} Call;

static const char *const words[] = {"word", NULL};

static GAsyncResult *
make_result (Scene *s, gpointer object, gpointer tag)
{
  g_clear_object (&s->result);
  s->result = g_task_new (object, NULL, NULL, NULL);
  g_task_set_source_tag (s->result, tag);
  return G_ASYNC_RESULT (s->result);
}

static GVariant *
no_item (gpointer data, GError **error)
{
  return NULL;
}

static GVariant *
no_arguments (GObject *item, gpointer data, GError **error)
{
  return NULL;
}

static gboolean
is_never (gpointer data)
{
  return FALSE;
}

#define CALL(name, outcome, expression)                                                                                \
  static void call_##name (Scene *s, GError **error) { expression; }
#define LISTED(name)
#include "task/thread-calls.h"
#undef CALL
#undef LISTED

#define CALL(name, outcome, expression) {#name, outcome, call_##name},
#define LISTED(name) {#name, IS_LISTED, NULL},
static const Call calls[] = {
#include "task/thread-calls.h"
};

/* What the headers and their documentation say. */
static const struct
{
  const char *name;
  Thread thread;
} callables[] = {
#define CALLABLE(name, thread) {#name, thread},
#include "public-callables.h"
};

static const Call *
find_call (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    if (strcmp (calls[i].name, name) == 0)
      return &calls[i];
  return NULL;
}

/* ---- what the library says ---- */

static GMutex lock;
static GString *criticals; /* lock */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_CRITICAL) == 0)
    return g_log_writer_default (level, fields, n_fields, data);
  g_mutex_lock (&lock);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_string_append_printf (criticals, "%s\n", (const char *) fields[i].value);
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

static char *
take_criticals (void)
{
  char *taken;

  g_mutex_lock (&lock);
  taken = g_strdup (criticals->str);
  g_string_truncate (criticals, 0);
  g_mutex_unlock (&lock);
  return taken;
}

/* ---- the objects ---- */

static gboolean
wait_for_end (FerryChannel *channel, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) value = NULL;

  return ferry_channel_receive (channel, -1, NULL, &value, NULL, error);
}

static void
make_conversations (Scene *s)
{
  ferry_transport_new_pair (&s->transport, &s->other_end);
  s->mux = ferry_mux_new (s->transport);
  s->demux = ferry_demux_new (s->other_end);
  s->exporter = ferry_exporter_new ();
  s->proxy = ferry_proxy_new (s->transport, "object");
  s->view = ferry_view_new (s->proxy);
  s->replica = ferry_list_replica_new (s->proxy);
  s->row = ferry_list_row_new (s->router->affinity);
  s->folder = g_dir_make_tmp ("ferry-threads-XXXXXX", NULL);
  s->address = g_build_filename (s->folder, "socket", NULL);
  s->listener = ferry_listener_new (s->address, NULL);
}

static void
make_workers (Scene *s)
{
  g_autofree char *path = g_file_read_link ("/proc/self/exe", NULL);
  const char *argv[] = {path, NULL};
  g_autoptr (FerryLauncher) base = ferry_launcher_new (argv);
  g_autoptr (FerryLauncher) own = ferry_launcher_new (argv);
  g_autoptr (FerryPool) processes = NULL;
  g_autoptr (GError) error = NULL;

  s->launcher = ferry_launcher_new (argv);
  s->sandbox = ferry_sandbox_new ();
  g_object_set (s->launcher, "sandbox", s->sandbox, NULL);
  processes = ferry_pool_new (s->router, s->launcher);
  s->fork_server = ferry_fork_server_new (base);
  g_assert_true (ferry_fork_server_start (s->fork_server, s->router, &error));
  g_assert_no_error (error);
  s->channel = ferry_channel_start (own, s->router, "wait-for-end", NULL, &error);
  g_assert_no_error (error);
  s->worker = g_object_ref (ferry_test_get_object (s->channel, "worker"));
  s->exchange = ferry_exchange_new (s->router, own);
  s->process = ferry_process_new (s->router, NULL, "sleep-until-cancelled", NULL, &error);
  g_assert_no_error (error);
}

static void
make_tasks (Scene *s)
{
  s->pool = ferry_pool_new_for_threads (s->router);
  s->executor = ferry_executor_new (s->pool);
  s->task = task_test_submit (s->executor, "sleep-until-cancelled", NULL);
  s->other = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  s->unsubmitted = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  s->group = ferry_task_group_new ();
  ferry_task_group_add (s->group, s->task);
  s->map = ferry_map_new (s->executor, "nothing", FERRY_MAP_ORDERED);
  s->started = ferry_map_new (s->executor, "nothing", FERRY_MAP_ORDERED);
  ferry_map_start (s->started);
  s->list = ferry_error_list_new ();
}

static Scene *
scene_new (void)
{
  Scene *s = g_new0 (Scene, 1);

  s->router = ferry_test_router_new ();
  g_assert_true (ferry_router_pipe (s->router, FERRY_PIPE_QUEUED, &s->sender, &s->receiver, NULL));
  make_tasks (s);
  make_workers (s);
  make_conversations (s);
  s->exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, "stopped");
  s->model = G_LIST_MODEL (g_list_store_new (G_TYPE_OBJECT));
  s->arguments = g_variant_ref_sink (g_variant_new_strv (words, 1));
  s->owner = g_object_new (G_TYPE_OBJECT, NULL);
  s->failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_SYSTEM, "failure");
  return s;
}

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") <= 1;
}

static void
drop_conversations (Scene *s)
{
  ferry_listener_close (s->listener);
  ferry_mux_stop (s->mux);
  ferry_demux_stop (s->demux);
  ferry_transport_close (s->transport);
  ferry_transport_close (s->other_end);
  g_clear_object (&s->row);
  g_clear_object (&s->replica);
  g_clear_pointer (&s->view, ferry_view_unref);
  g_clear_object (&s->proxy);
  g_clear_object (&s->exporter);
  g_clear_object (&s->mux);
  g_clear_object (&s->demux);
  g_clear_object (&s->listener);
  g_clear_object (&s->transport);
  g_clear_object (&s->other_end);
}

static void
scene_free (Scene *s)
{
  drop_conversations (s);
  ferry_channel_close (s->channel);
  g_clear_object (&s->result);
  g_clear_object (&s->exchange);
  g_clear_object (&s->channel);
  g_clear_object (&s->worker);
  g_clear_object (&s->process);
  g_clear_object (&s->fork_server);
  g_clear_object (&s->sandbox);
  g_clear_object (&s->launcher);
  g_clear_object (&s->map);
  g_clear_object (&s->started);
  g_clear_object (&s->group);
  g_clear_object (&s->task);
  g_clear_object (&s->other);
  g_clear_object (&s->unsubmitted);
  g_clear_object (&s->submitted);
  g_clear_object (&s->list);
  g_clear_object (&s->executor);
  g_clear_object (&s->pool);
  ferry_test_look_until (has_no_pipes, s->router);
  ferry_router_close_pipe (s->router, s->receiver, NULL);
  g_clear_object (&s->sender);
  g_clear_object (&s->receiver);
  ferry_test_router_stop (s->router);
  g_object_unref (s->exit);
  g_clear_object (&s->model);
  g_variant_unref (s->arguments);
  g_clear_object (&s->owner);
  g_clear_error (&s->failure);
  rmdir (s->folder);
  g_free (s->folder);
  g_free (s->address);
  g_free (s);
}

/* ---- the calls ---- */

typedef struct
{
  const Call *call;
  Scene *scene;
  GError *error;
} Foreign;

static gpointer
call_there (gpointer data)
{
  Foreign *foreign = data;

  foreign->call->call (foreign->scene, &foreign->error);
  return NULL;
}

/* Returns what is wrong, or NULL. */
static char *
judge (const Call *call, const GError *error, const char *said)
{
  g_autofree char *begin = g_strconcat (call->name, "() was called on another thread", NULL);
  gboolean wrong = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);

  switch (call->outcome)
    {
    case SAYS:
      if (g_str_has_prefix (said, begin) && strchr (said, '\n')[1] == '\0')
        return NULL;
      return g_strdup_printf ("%s says '%s'", call->name, said);
    case FAILS:
      if (wrong && said[0] == '\0')
        return NULL;
      return g_strdup_printf ("%s fails with '%s' and says '%s'", call->name, error != NULL ? error->message : "",
                              said);
    case WORKS:
    case IS_LISTED:
    default:
      if (!wrong && said[0] == '\0')
        return NULL;
      return g_strdup_printf ("%s does not work: '%s' '%s'", call->name, error != NULL ? error->message : "", said);
    }
}

static gboolean
is_ended (gpointer data)
{
  Scene *s = data;

  return ferry_task_get_done (s->task) && ferry_task_get_done (s->other) &&
         (s->submitted == NULL || ferry_task_get_done (s->submitted)) &&
         ferry_test_get_number (s->started, "is-finished") && ferry_test_get_number (s->group, "n-open") == 0 &&
         ferry_channel_get_exit (s->channel) != NULL;
}

static void
every_function_works_or_says_so (void)
{
  Scene *s = scene_new ();
  g_autoptr (GString) complaints = g_string_new (NULL);

  task_test_wait_begun (s->task);
  /* As a main loop has it, so that no other thread can. */
  g_assert_true (g_main_context_acquire (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      Foreign foreign = {&calls[i], s, NULL};
      g_autofree char *said = NULL;
      g_autofree char *complaint = NULL;

      if (calls[i].outcome == IS_LISTED)
        continue;
      g_thread_join (g_thread_new ("foreign", call_there, &foreign));
      said = take_criticals ();
      complaint = judge (&calls[i], foreign.error, said);
      if (complaint != NULL)
        g_string_append_printf (complaints, "%s\n", complaint);
      g_clear_error (&foreign.error);
    }
  g_main_context_release (NULL);
  g_assert_cmpstr (complaints->str, ==, "");
  /* What was cancelled there is cancelled here. */
  ferry_test_run_until (is_ended, s);
  g_assert_cmpint (ferry_task_get_state (s->task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (s->other), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_exit_get_signal (ferry_channel_get_exit (s->channel)), ==, SIGKILL);
  scene_free (s);
}

/* ---- list models ---- */

static void
call_g_list_model_get_n_items (Scene *s, GError **error)
{
  g_assert_cmpuint (g_list_model_get_n_items (s->model), ==, 0);
}

static void
call_g_list_model_get_item (Scene *s, GError **error)
{
  g_assert_null (g_list_model_get_item (s->model, 0));
}

static void
assert_model_says_so (Scene *s, GListModel *model)
{
  static const Call of_models[] = {
    {"g_list_model_get_n_items", SAYS, call_g_list_model_get_n_items},
    {"g_list_model_get_item", SAYS, call_g_list_model_get_item},
  };

  g_set_object (&s->model, model);
  for (guint i = 0; i < G_N_ELEMENTS (of_models); i++)
    {
      Foreign foreign = {&of_models[i], s, NULL};
      g_autofree char *said = NULL;
      g_autofree char *complaint = NULL;

      g_thread_join (g_thread_new ("foreign", call_there, &foreign));
      said = take_criticals ();
      complaint = judge (&of_models[i], NULL, said);
      g_assert_cmpstr (complaint, ==, NULL);
    }
  g_clear_object (&s->model);
}

static void
list_models_say_so (void)
{
  Scene *s = scene_new ();

  assert_model_says_so (s, G_LIST_MODEL (s->executor));
  assert_model_says_so (s, G_LIST_MODEL (s->replica));
  ferry_executor_cancel_all (s->executor);
  ferry_task_cancel (s->other);
  ferry_map_cancel (s->started);
  ferry_worker_force_exit (s->worker);
  ferry_test_run_until (is_ended, s);
  scene_free (s);
}

/* ---- properties ---- */

typedef struct
{
  GObject *object;
  const char *prefix; /* of its functions */
} Named;

static gpointer
look_at_properties (gpointer data)
{
  const Named *named = data;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (named->object), NULL);
  guint n_compared = 0;

  for (guint i = 0; pspecs[i] != NULL; i++)
    {
      g_autofree char *getter = g_strdelimit (g_strdup_printf ("%s_get_%s", named->prefix, pspecs[i]->name), "-", '_');
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *said = NULL;
      const Call *call = find_call (getter);

      if (call == NULL || (pspecs[i]->flags & G_PARAM_READABLE) == 0)
        continue;
      g_object_get_property (named->object, pspecs[i]->name, &value);
      said = take_criticals ();
      if ((said[0] != '\0') != (call->outcome != WORKS && call->outcome != IS_LISTED))
        g_error ("%s: the property says '%s'", getter, said);
      n_compared++;
    }
  g_assert_cmpuint (n_compared, >, 0);
  return NULL;
}

/* To read a property is to call its function. */
static void
properties_say_what_their_functions_say (void)
{
  Scene *s = scene_new ();
  const Named objects[] = {
    {G_OBJECT (s->receiver), "ferry_receiver"}, {G_OBJECT (s->worker), "ferry_worker"},
    {G_OBJECT (s->task), "ferry_task"},         {G_OBJECT (s->pool), "ferry_pool"},
    {G_OBJECT (s->executor), "ferry_executor"}, {G_OBJECT (s->exchange), "ferry_exchange"},
    {G_OBJECT (s->row), "ferry_list_row"},      {G_OBJECT (s->channel), "ferry_channel"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (objects); i++)
    g_thread_join (g_thread_new ("foreign", look_at_properties, (gpointer) &objects[i]));
  ferry_executor_cancel_all (s->executor);
  ferry_worker_force_exit (s->worker);
  scene_free (s);
}

/* These work on any thread. */
static const char *const free_properties[] = {
  "FerryChannel:arguments",
  "FerryChannel:closed",
  "FerryChannel:flowing",
  "FerryChannel:function",
  "FerryChannel:readable",
  "FerryChannel:transport",
  "FerryChannel:worker",
  "FerryChannel:writable",
  "FerryExecutor:n-waiting",
  "FerryExecutor:pool",
  "FerryExecutor:runner",
  "FerryExecutor:state",
  "FerryMap:executor",
  "FerryMap:function",
  "FerryMap:order",
  "FerryPool:launcher",
  "FerryPool:router",
  "FerryReceiver:connection-id",
  "FerryReceiver:credit",
  "FerryTask:arguments",
  "FerryTask:can-cancel",
  "FerryTask:cancel-grace",
  "FerryTask:deadline",
  "FerryTask:function",
  "FerryTask:holds-window",
  "FerryTask:idempotent",
  "FerryTask:interactive",
  "FerryTask:is-done",
  "FerryTask:is-paused",
  "FerryTask:kind",
  "FerryTask:max-retry-pause",
  "FerryTask:max-returned-descriptors",
  "FerryTask:queue-timeout",
  "FerryTask:retries",
  "FerryTask:retry-pause",
  "FerryTask:run-timeout",
  "FerryTask:state",
  "FerryTask:stoppable",
  "FerryTask:submit-time",
  "FerryTask:window",
  "FerryWorker:identifier",
  "FerryWorker:name",
  "FerryWorker:state",
  NULL,
};

static void
assert_used (const char *name, gboolean works)
{
  g_autofree char *said = take_criticals ();

  if (works ? said[0] != '\0' : strstr (said, " on another thread than its object's") == NULL)
    g_error ("%s: the property says '%s'", name, said);
}

typedef struct
{
  gpointer object;
  gboolean is_any;  /* all of its properties work */
  gboolean is_read; /* nothing is set */
} Used;

static gpointer
use_properties (gpointer data)
{
  const Used *used = data;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (used->object), NULL);

  for (guint i = 0; pspecs[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (g_type_name (pspecs[i]->owner_type), ":", pspecs[i]->name, NULL);
      gboolean works = used->is_any || g_strv_contains (free_properties, name);
      g_auto (GValue) value = G_VALUE_INIT;

      if ((pspecs[i]->flags & G_PARAM_READABLE) != 0)
        {
          g_object_get_property (used->object, pspecs[i]->name, &value);
          assert_used (name, works);
        }
      if (!used->is_read && (pspecs[i]->flags & (G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY)) == G_PARAM_WRITABLE)
        {
          g_object_set_property (used->object, pspecs[i]->name, g_param_spec_get_default_value (pspecs[i]));
          assert_used (name, works);
        }
    }
  return NULL;
}

/* The properties, with or without functions of their own. */
static void
properties_work_or_say_so (void)
{
  Scene *s = scene_new ();
  Used objects[] = {
    {s->exchange, FALSE, FALSE}, {s->channel, FALSE, FALSE}, {s->listener, TRUE, FALSE},
    {s->mux, TRUE, FALSE},       {s->demux, TRUE, TRUE},     {s->transport, TRUE, FALSE},
    {s->launcher, FALSE, FALSE}, {s->sandbox, FALSE, FALSE}, {s->fork_server, FALSE, FALSE},
    {s->receiver, FALSE, FALSE}, {s->worker, FALSE, FALSE},  {s->sender, TRUE, FALSE},
    {s->exit, TRUE, FALSE},      {s->pool, FALSE, FALSE},    {s->executor, FALSE, FALSE},
    {s->map, FALSE, FALSE},      {s->task, FALSE, TRUE},     {s->unsubmitted, TRUE, FALSE},
    {s->group, FALSE, TRUE},     {s->process, TRUE, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (objects); i++)
    g_thread_join (g_thread_new ("foreign", use_properties, &objects[i]));
  ferry_executor_cancel_all (s->executor);
  ferry_worker_force_exit (s->worker);
  scene_free (s);
}

/* ---- tasks ---- */

static gpointer
look_at_done (gpointer task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, "word");
  g_assert_true (ferry_task_get_done (task));
  g_assert_null (ferry_task_get_error (task));
  g_assert_null (ferry_test_get_string (task, "trace"));
  g_assert_null (ferry_task_get_exit (task));
  g_assert_true (g_str_has_prefix (ferry_task_get_name (task), "echo "));
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  g_assert_cmpint (ferry_test_get_number (task, "end-time"), >=, ferry_test_get_number (task, "start-time"));
  return NULL;
}

static void
any_thread_may_look_at_a_task_that_is_done (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (router);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  g_autofree char *said = NULL;

  task_test_wait_done (task);
  g_thread_join (g_thread_new ("foreign", look_at_done, task));
  said = take_criticals ();
  g_assert_cmpstr (said, ==, "");
  g_clear_object (&executor);
  g_clear_object (&pool);
  ferry_test_look_until (has_no_pipes, router);
  ferry_router_stop (router, NULL);
}

/* A task has its settings when it is submitted; one that is given more is told so, and keeps what it has. */
static void
a_submitted_task_takes_no_settings (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (router);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  g_autofree char *said = NULL;
  g_autofree char *said_next = NULL;

  g_object_set (task, "priority", 5, NULL);
  said = take_criticals ();
  g_assert_true (g_str_has_prefix (said, "FerryTask:priority was set for a task of 'echo' that was submitted"));
  g_assert_cmpint (ferry_test_get_number (task, "priority"), ==, 0);
  ferry_task_set_arguments (task, g_variant_new_string ("other"));
  said_next = take_criticals ();
  g_assert_true (g_str_has_prefix (said_next, "FerryTask:arguments was set for a task of 'echo' that was submitted"));
  task_test_assert_result (task, "'word'");
  g_clear_object (&executor);
  g_clear_object (&pool);
  ferry_test_look_until (has_no_pipes, router);
  ferry_router_stop (router, NULL);
}

static const char *
look_at_callable (const char *name, Thread thread)
{
  const Call *call = find_call (name);

  if (call == NULL)
    return "is not in thread-calls.h";
  if (thread == UNSAID && !g_str_has_suffix (name, "_get_type"))
    return "has no thread in its documentation";
  if (thread == HOME && call->outcome == WORKS)
    return "is documented to belong to one thread, and works on another";
  if (thread == HOME && call->outcome == IS_LISTED && strcmp (name, "ferry_job_yield") != 0)
    return "belongs to one thread, and is not called";
  if (thread != HOME && (call->outcome == SAYS || call->outcome == FAILS))
    return "is documented for any thread, and does not work on another";
  return NULL;
}

static void
every_function_is_looked_at (void)
{
  g_autoptr (GString) complaints = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (callables); i++)
    {
      const char *complaint = look_at_callable (callables[i].name, callables[i].thread);

      if (complaint != NULL)
        g_string_append_printf (complaints, "%s %s\n", callables[i].name, complaint);
    }
  g_assert_cmpstr (complaints->str, ==, "");
  g_assert_cmpuint (G_N_ELEMENTS (calls), ==, G_N_ELEMENTS (callables));
}

int
main (int argc, char **argv)
{
  task_test_register ();
  ferry_channel_function_register ("wait-for-end", NULL, wait_for_end);
  ferry_worker_main (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  criticals = g_string_new (NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_test_add_func ("/threads/every-function-is-looked-at", every_function_is_looked_at);
  g_test_add_func ("/threads/every-function-works-or-says-so", every_function_works_or_says_so);
  g_test_add_func ("/threads/list-models-say-so", list_models_say_so);
  g_test_add_func ("/threads/properties-say-what-their-functions-say", properties_say_what_their_functions_say);
  g_test_add_func ("/threads/properties-work-or-say-so", properties_work_or_say_so);
  g_test_add_func ("/threads/any-thread-may-look-at-a-task-that-is-done", any_thread_may_look_at_a_task_that_is_done);
  g_test_add_func ("/threads/a-submitted-task-takes-no-settings", a_submitted_task_takes_no_settings);
  return g_test_run ();
}
