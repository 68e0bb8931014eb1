/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with transports: transport-worker WHAT NAME...
 *
 *   answer   gets the transports of those names, and answers what comes over them until all are closed; then it exits
 *            with status 0, or with 5 where one did not close with FERRY_ERROR_CLOSED
 *   tasks    gets the first transport from an initialiser, in a process that serves tasks, and exits with 100 more than
 *            the code of the error
 *   late     gets the first transport and calls ferry_worker_main() then
 *   exit     gets the transports, and returns from main() at once
 *
 * What it answers:
 *
 *   echo ARGUMENTS     the arguments
 *   name               the name of the transport
 *   hang               nothing, until it is cancelled; then an error with the name of the transport
 *   take NAME          gets that transport too, and answers what comes over it
 *   get NAME           the code of the error of getting that transport, or -1
 *   fork NAME          the same in a forked child
 *   relay (METHOD, n)  what the application answers to METHOD (n)
 *   flood (t, n)       has t threads ask the application n times each for "echo"; how many answers were right
 *   converse (t, n)    the same, but each thread waits for each answer before it asks again
 *   clog PATH          has a thread fill the lane by the sender "out", make the file, and then ask for "echo"; then
 *                      the answer
 *   press (WHAT, PATH) has a thread fill the lane, ask for "echo", and write into the file how that went before there
 *                      was room: see press(); then what the answer was in the end
 *   touch PATH         nothing; makes the file
 *   close              closes the transport, and does not answer
 *   drop               answers and drops the last reference to the transport
 *   garbage            sends what is no message
 *   read HANDLE        the text of the file that came with that handle
 *   make TEXT          the handle of a file with that text, or the error of sending it
 *
 * It exits with status 3 when something is not as it must be. */

#include "config.h"

#include <ferry-conversations.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call/ferry-transport-private.h"
#include "conversation/ferry-mux-private.h"
#include "process/ferry-worker.h"

#define CLOG_SIZE 32000
/* A lane that stays full for so long is not drained any more. */
#define CLOG_WAIT (200 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  char *name;
  FerryTransport *transport; /* (owned) (nullable) */
} Named;

static GMutex lock;
static GPtrArray *all; /* lock: (element-type Named) */
static GObject *owner;

/* Says on standard error what is not as it must be. */
#define check(condition)                                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!(condition))                                                                                                  \
      {                                                                                                                \
        g_printerr ("transport-worker: %s: '%s' does not hold\n", G_STRFUNC, #condition);                              \
        _exit (3);                                                                                                     \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END

static const char *
name_of (FerryTransport *transport)
{
  const char *name = NULL;

  g_mutex_lock (&lock);
  for (guint i = 0; i < all->len; i++)
    {
      Named *named = g_ptr_array_index (all, i);

      if (named->transport == transport)
        name = named->name;
    }
  g_mutex_unlock (&lock);
  check (name != NULL);
  return name;
}

/* ---- asking the application ---- */

typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_left;
  guint n_right;
  guint expected;
} Asker;

static void
asker_heard (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Asker *asker = data;

  g_mutex_lock (&asker->lock);
  asker->n_left--;
  asker->n_right += result != NULL && g_variant_is_of_type (result, G_VARIANT_TYPE_UINT32);
  g_cond_signal (&asker->changed);
  g_mutex_unlock (&asker->lock);
}

static const FerryAnswerFuncs asker_funcs = {.done = asker_heard};

typedef struct
{
  FerryTransport *transport;
  guint n;
} Flood;

static gpointer
ask_many (gpointer data)
{
  Flood *flood = data;
  Asker asker = {.n_left = flood->n};

  for (guint i = 0; i < flood->n; i++)
    {
      g_autoptr (GVariant) argument = g_variant_ref_sink (g_variant_new_uint32 (i));
      FerryRequest request = {.method = "echo", .arguments = argument};
      guint64 count = ferry_transport_get_room_count (flood->transport);

      while (ferry_transport_ask (flood->transport, &request, &asker_funcs, &asker, NULL) == 0)
        {
          check (ferry_transport_wait_for_room (flood->transport, count, 0, NULL, NULL));
          count = ferry_transport_get_room_count (flood->transport);
        }
    }
  g_mutex_lock (&asker.lock);
  while (asker.n_left > 0)
    g_cond_wait (&asker.changed, &asker.lock);
  g_mutex_unlock (&asker.lock);
  return GUINT_TO_POINTER (asker.n_right);
}

/* Waits for each answer. */
static gpointer
ask_in_turn (gpointer data)
{
  Flood *flood = data;
  g_autoptr (FerryMux) mux = ferry_mux_new (flood->transport);
  guint n_right = 0;

  for (guint i = 0; i < flood->n; i++)
    {
      g_autoptr (GVariant) result = ferry_mux_transact (mux, "echo", g_variant_new_uint32 (i), -1, NULL, NULL);

      check (result != NULL);
      n_right += result != NULL && g_variant_get_uint32 (result) == i;
    }
  return GUINT_TO_POINTER (n_right);
}

typedef struct
{
  FerryCall *call; /* (owned) */
  Flood flood;
  guint n_threads;
  GThreadFunc func;
} FloodOrder;

/* On a thread of its own: the one that receives must not wait. */
static gpointer
flood (gpointer data)
{
  FloodOrder *order = data;
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();
  guint n_right = 0;

  for (guint i = 0; i < order->n_threads; i++)
    g_ptr_array_add (threads, g_thread_new ("ask", order->func, &order->flood));
  for (guint i = 0; i < threads->len; i++)
    n_right += GPOINTER_TO_UINT (g_thread_join (g_ptr_array_index (threads, i)));
  ferry_call_answer (order->call, g_variant_new_uint32 (n_right), NULL);
  ferry_call_unref (order->call);
  g_object_unref (order->flood.transport);
  g_free (order);
  return NULL;
}

static void
begin_flood (FerryTransport *transport, FerryCall *call, GThreadFunc func)
{
  FloodOrder *order = g_new0 (FloodOrder, 1);

  order->func = func;
  g_variant_get (ferry_call_get_arguments (call), "(uu)", &order->n_threads, &order->flood.n);
  order->flood.transport = g_object_ref (transport);
  order->call = ferry_call_ref (call);
  g_thread_unref (g_thread_new ("flood", flood, order));
}

static void
relay_heard (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  FerryCall *call = data;

  if (error != NULL)
    ferry_call_answer_error (call, error, trace, NULL, NULL);
  else
    ferry_call_answer (call, result, NULL);
  ferry_call_unref (call);
}

static void
relay (FerryTransport *transport, FerryCall *call)
{
  static const FerryAnswerFuncs relay_funcs = {.done = relay_heard};
  g_autofree char *method = NULL;
  FerryRequest request = {0};
  guint32 number;

  g_variant_get (ferry_call_get_arguments (call), "(su)", &method, &number);
  request.method = method;
  request.arguments = g_variant_new_uint32 (number);
  check (ferry_transport_ask (transport, &request, &relay_funcs, ferry_call_ref (call), NULL) != 0);
}

/* ---- answering ---- */

/* Any thread: waits for room. */
static void
answer (FerryTransport *transport, FerryCall *call, GVariant *result)
{
  g_autoptr (GVariant) kept = result != NULL ? g_variant_ref_sink (result) : NULL;
  g_autoptr (GError) error = NULL;
  guint64 count = ferry_transport_get_room_count (transport);

  while (!ferry_call_answer (call, kept, &error) && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
      count = ferry_transport_get_room_count (transport);
      g_clear_error (&error);
    }
}

static void take_transport (const char *name);

static void
hang_cancelled (FerryCall *call, gpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, data);

  ferry_call_answer_error (call, error, NULL, NULL, NULL);
  ferry_call_unref (call);
}

static int
get_code (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport (name, &error);

  check ((transport == NULL) == (error != NULL));
  return error != NULL ? error->code : -1;
}

static int
get_code_in_child (const char *name)
{
  pid_t child = fork ();
  int status = 0;

  if (child == 0)
    _exit (get_code (name));
  check (child > 0 && waitpid (child, &status, 0) == child && WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* The first thread may be waiting with a reference of its own. */
static void
drop (FerryTransport *transport)
{
  g_mutex_lock (&lock);
  for (guint i = 0; i < all->len; i++)
    {
      Named *named = g_ptr_array_index (all, i);

      if (named->transport == transport)
        named->transport = NULL;
    }
  g_mutex_unlock (&lock);
  ferry_transport_note_room (transport);
  g_object_unref (transport);
}

static void
send_garbage (FerryTransport *transport)
{
  GOutputVector vector = {"what is this", 12};

  FERRY_TRANSPORT_GET_CLASS (transport)->send (transport, &vector, 1, NULL);
}

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryCall *call;           /* (owned) */
} Clog;

/* Sends until nothing of that size has room any more. */
static void
fill (FerrySender *sender, gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_object_set (sender, "timeout", (gint64) CLOG_WAIT, NULL);
  while (ferry_sender_send_bytes (sender, data, size, &error))
    ;
  check (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT));
}

static gpointer
fill_and_ask (gpointer data)
{
  Clog *self = data;
  const char *path = g_variant_get_string (ferry_call_get_arguments (self->call), NULL);
  g_autofree guint8 *bytes = g_malloc0 (CLOG_SIZE);
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("out", NULL);
  g_autoptr (FerryMux) mux = ferry_mux_new (self->transport);
  g_autoptr (GVariant) result = NULL;

  check (sender != NULL && ferry_sender_start (sender, NULL));
  fill (sender, bytes, CLOG_SIZE);
  fill (sender, bytes, 0);
  check (g_file_set_contents (path, "", 0, NULL));
  result = ferry_mux_transact (mux, "echo", g_variant_new_uint32 (1), -1, NULL, NULL);
  check (result != NULL);
  ferry_call_answer (self->call, result, NULL);
  ferry_call_unref (self->call);
  g_object_unref (self->transport);
  g_free (self);
  return NULL;
}

static void
begin_clog (FerryTransport *transport, FerryCall *call, GThreadFunc func)
{
  Clog *self = g_new (Clog, 1);

  *self = (Clog){g_object_ref (transport), ferry_call_ref (call)};
  g_thread_unref (g_thread_new ("clog", func, self));
}

/* ---- asking while the lane is full ---- */

#define LARGE_SIZE (3 * 1024 * 1024)
#define SOON (50 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  FerryMux *mux;
  GCancellable *cancellable;
} Canceller;

/* Waits for room as well, for a while. */
static gpointer
cancel (gpointer data)
{
  Canceller *self = data;

  check (ferry_mux_transact (self->mux, "echo", NULL, SOON, NULL, NULL) == NULL);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
take_result (GObject *mux, GAsyncResult *result, gpointer error)
{
  check (ferry_mux_transact_finish (FERRY_MUX (mux), result, error) == NULL);
}

static GError *
ask_later (FerryMux *mux)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GError *error = NULL;

  g_main_context_push_thread_default (context);
  ferry_mux_transact_async (mux, "echo", NULL, -1, NULL, take_result, &error);
  while (error == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return error;
}

static gboolean
ask_large (FerryMux *mux, Asker *asker, GError **error)
{
  g_autofree guint8 *bytes = g_malloc0 (LARGE_SIZE);
  FerryRequest request = {.method = "measure",
                          .arguments = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, LARGE_SIZE, 1)};

  return ferry_mux_ask (mux, &request, &asker_funcs, asker, error) != 0;
}

/* How asking ended while the lane is full:
 *
 *   deadline   with a limit of time, which passes
 *   cancel     with a cancellable, which is cancelled
 *   async      without waiting
 *   large      with more than a record, without waiting; another request then has to wait for that one */
static GError *
press (FerryMux *mux, const char *what, Asker *asker)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;

  if (strcmp (what, "deadline") == 0)
    check (ferry_mux_transact (mux, "echo", NULL, SOON, NULL, &error) == NULL);
  else if (strcmp (what, "cancel") == 0)
    {
      GThread *thread = g_thread_new ("cancel", cancel, &(Canceller){mux, cancellable});

      check (ferry_mux_transact (mux, "echo", NULL, -1, cancellable, &error) == NULL);
      g_thread_join (thread);
    }
  else if (strcmp (what, "async") == 0)
    error = ask_later (mux);
  else if (ask_large (mux, asker, &error))
    check (ferry_mux_transact (mux, "echo", NULL, SOON, NULL, &error) == NULL);
  return error;
}

static gpointer
fill_and_press (gpointer data)
{
  Clog *self = data;
  g_autofree guint8 *bytes = g_malloc0 (CLOG_SIZE);
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("out", NULL);
  g_autoptr (FerryMux) mux = ferry_mux_new (self->transport);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  Asker asker = {.n_left = 1};
  const char *what;
  const char *path;

  g_variant_get (ferry_call_get_arguments (self->call), "(&s&s)", &what, &path);
  check (sender != NULL && ferry_sender_start (sender, NULL));
  fill (sender, bytes, CLOG_SIZE);
  fill (sender, bytes, 0);
  error = press (mux, what, &asker);
  check (error != NULL && g_file_set_contents (path, error->message, -1, NULL));
  result = ferry_mux_transact (mux, "echo", g_variant_new_uint32 (1), -1, NULL, NULL);
  check (result != NULL);
  g_mutex_lock (&asker.lock);
  while (strcmp (what, "large") == 0 && asker.n_left > 0)
    g_cond_wait (&asker.changed, &asker.lock);
  g_mutex_unlock (&asker.lock);
  answer (self->transport, self->call, g_variant_new ("(vu)", result, asker.n_right));
  ferry_call_unref (self->call);
  g_object_unref (self->transport);
  g_free (self);
  return NULL;
}

static GVariant *
compute (FerryTransport *transport, const char *method, GVariant *arguments)
{
  const char *text = arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE_STRING)
                       ? g_variant_get_string (arguments, NULL)
                       : "";

  if (strcmp (method, "echo") == 0)
    return arguments;
  if (strcmp (method, "name") == 0)
    return g_variant_new_string (name_of (transport));
  if (strcmp (method, "get") == 0)
    return g_variant_new_int32 (get_code (text));
  if (strcmp (method, "fork") == 0)
    return g_variant_new_int32 (get_code_in_child (text));
  if (strcmp (method, "take") == 0)
    take_transport (text);
  if (strcmp (method, "touch") == 0)
    check (g_file_set_contents (text, "", 0, NULL));
  return NULL;
}

/* ---- descriptors ---- */

static void
answer_with_text (FerryTransport *transport, FerryCall *call)
{
  char text[256] = "";
  g_autoptr (GError) error = NULL;
  int fd = ferry_transport_take_descriptor (transport, g_variant_get_handle (ferry_call_get_arguments (call)), &error);

  if (error != NULL)
    ferry_call_answer_error (call, error, NULL, NULL, NULL);
  else
    {
      check (pread (fd, text, sizeof text - 1, 0) >= 0 && close (fd) == 0);
      answer (transport, call, g_variant_new_string (text));
    }
}

static void
answer_with_file (FerryTransport *transport, FerryCall *call)
{
  gsize length;
  const char *text = g_variant_get_string (ferry_call_get_arguments (call), &length);
  g_autoptr (GError) error = NULL;
  int fd = memfd_create ("ferry-test", MFD_CLOEXEC);
  gint handle;

  check (fd >= 0 && write (fd, text, length) == (gssize) length);
  handle = ferry_transport_send_descriptor (transport, fd, &error);
  close (fd);
  if (error != NULL)
    ferry_call_answer_error (call, error, NULL, NULL, NULL);
  else
    answer (transport, call, g_variant_new_handle (handle));
}

static void
take_call (FerryTransport *transport, FerryCall *call, GObject *data)
{
  const char *method = ferry_call_get_method (call);

  check (data == owner);
  if (strcmp (method, "hang") == 0)
    ferry_call_set_cancel_func (ferry_call_ref (call), hang_cancelled, (gpointer) name_of (transport));
  else if (strcmp (method, "relay") == 0)
    relay (transport, call);
  else if (strcmp (method, "flood") == 0)
    begin_flood (transport, call, ask_many);
  else if (strcmp (method, "converse") == 0)
    begin_flood (transport, call, ask_in_turn);
  else if (strcmp (method, "clog") == 0)
    begin_clog (transport, call, fill_and_ask);
  else if (strcmp (method, "press") == 0)
    begin_clog (transport, call, fill_and_press);
  else if (strcmp (method, "close") == 0)
    ferry_transport_close (transport);
  else if (strcmp (method, "garbage") == 0)
    send_garbage (transport);
  else if (strcmp (method, "read") == 0)
    answer_with_text (transport, call);
  else if (strcmp (method, "make") == 0)
    answer_with_file (transport, call);
  else
    answer (transport, call, compute (transport, method, ferry_call_get_arguments (call)));
  if (strcmp (method, "drop") == 0)
    drop (transport);
}

static FerryTransport *
get_transport (const char *name)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_worker_get_transport (name, &error);
  Named *named = g_new0 (Named, 1);

  if (error != NULL)
    g_printerr ("transport-worker: %s: %s\n", name, error->message);
  check (transport != NULL);
  g_object_set (transport, "max-descriptors", 1, NULL);
  named->name = g_strdup (name);
  named->transport = transport;
  g_mutex_lock (&lock);
  g_ptr_array_add (all, named);
  g_mutex_unlock (&lock);
  return transport;
}

static void
take_transport (const char *name)
{
  check (ferry_transport_take_calls (get_transport (name), take_call, owner, NULL));
}

/* A transport that is still there; NULL: there is none. */
static FerryTransport *
dup_any (void)
{
  FerryTransport *transport = NULL;

  g_mutex_lock (&lock);
  for (guint i = 0; i < all->len && transport == NULL; i++)
    {
      Named *named = g_ptr_array_index (all, i);

      if (named->transport != NULL)
        transport = g_object_ref (named->transport);
    }
  g_mutex_unlock (&lock);
  return transport;
}

static gboolean
is_listed (FerryTransport *transport)
{
  gboolean found = FALSE;

  g_mutex_lock (&lock);
  for (guint i = 0; i < all->len; i++)
    found = found || ((Named *) g_ptr_array_index (all, i))->transport == transport;
  g_mutex_unlock (&lock);
  return found;
}

static void
wait_closed (void)
{
  FerryTransport *transport;

  while ((transport = dup_any ()) != NULL)
    {
      guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) reason = NULL;

      g_object_get (transport, "reason", &reason, NULL);
      if (reason != NULL && !g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_CLOSED))
        _exit (5);
      if (reason != NULL && is_listed (transport))
        drop (transport);
      else if (reason == NULL && is_listed (transport))
        ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
      g_object_unref (transport);
    }
}

static gboolean
get_in_initialiser (gpointer data, GError **error)
{
  _exit (100 + get_code (data));
}

int
main (int argc, char **argv)
{
  check (argc >= 3);
  all = g_ptr_array_new ();
  owner = g_object_new (G_TYPE_OBJECT, NULL);
  if (strcmp (argv[1], "tasks") == 0)
    {
      ferry_worker_add_initialiser ("get", get_in_initialiser, argv[2], NULL);
      ferry_worker_main (NULL, NULL);
      return 3;
    }
  /* In a fork server this returns in its workers. */
  if (strcmp (argv[1], "answer") == 0)
    check (!ferry_worker_main (&argc, &argv));
  for (int i = 2; i < argc; i++)
    if (strcmp (argv[1], "answer") == 0)
      take_transport (argv[i]);
    else
      get_transport (argv[i]);
  if (strcmp (argv[1], "late") == 0)
    ferry_worker_main (NULL, NULL);
  if (strcmp (argv[1], "answer") == 0)
    {
      wait_closed ();
      ferry_worker_exit (0);
    }
  return 0;
}
