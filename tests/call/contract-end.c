/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/contract-end.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "job/ferry-job-private.h"
#include "job/ferry-task-enums.h"
#include "wire/ferry-task-call-private.h"

#define N_THREADS 4
#define N_TOLD 2000
#define N_LARGE 5
#define LARGE_SIZE ((gsize) 2 * 1024 * 1024)
#define BLOCK_SIZE 50000
#define MAX_BLOCKS 10000
#define MAX_ORDER 65536
#define ORDER_TYPE "(smv)"
/* A message without bytes would be the end: the byte makes it one with. */
#define REPLY_TYPE "(ymv)"

struct _ContractEnd
{
  int socket;                /* const: of an end in another process; -1: it is here */
  FerryTransport *transport; /* (owned) (nullable): NULL once it was dropped */
  GObject *owner;            /* (owned): takes the calls, and frees this when no call is being taken any more */
  gboolean takes;            /* calls */
  GThreadPool *answerers;    /* for what must wait for room or for a window */
  guint64 room_count;        /* before what found no room */
  GThread *waiter;           /* (owned) (nullable): waits for room */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GPtrArray *asked;      /* lock: (element-type Asked) (owned), as what follows */
  guint n_told;          /* how many calls came that are counted */
  guint n_wrong;         /* of those that are numbered */
  guint next[N_THREADS]; /* the number that each thread's next one must have */
  guint64 last_xid;
  gboolean is_shut; /* calls of “pass” wait */
  guint cancelled;  /* why the last call was that hangs */
  FerryCall *kept;  /* (owned) (nullable) */
};

/* What was asked. */
typedef struct
{
  ContractEnd *end; /* (unowned) */
  guint64 xid;
  guint n_items; /* lock, as what follows */
  guint n_done;
  guint n_held; /* by callbacks */
  gboolean refused;
  GString *items;   /* each as text, and a semicolon */
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  gboolean traced;
} Asked;

/* The end that serves tasks. */
static ContractEnd *serving; /* (unowned) (nullable) */

static void
note (ContractEnd *self, guint *count)
{
  pthread_mutex_lock (&self->lock);
  (*count)++;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
wait_count (ContractEnd *self, const guint *count, guint wanted)
{
  pthread_mutex_lock (&self->lock);
  while (*count < wanted)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

/* ---- asking ---- */

static void
asked_free (gpointer data)
{
  Asked *self = data;

  g_assert_cmpuint (self->n_done, ==, 1);
  g_string_free (self->items, TRUE);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self);
}

static void
hold (gpointer data)
{
  Asked *self = data;

  note (self->end, &self->n_held);
}

static void
release (gpointer data)
{
  Asked *self = data;

  pthread_mutex_lock (&self->end->lock);
  self->n_held--;
  pthread_cond_broadcast (&self->end->changed);
  pthread_mutex_unlock (&self->end->lock);
}

/* Waits until nothing uses it any more. */
static void
asked_wait (Asked *self)
{
  pthread_mutex_lock (&self->end->lock);
  while (self->n_done == 0 || self->n_held > 0)
    pthread_cond_wait (&self->end->changed, &self->end->lock);
  pthread_mutex_unlock (&self->end->lock);
}

/* One that comes behind the answer, which another thread may have ended the call with, does not count. */
static void
item_came (gpointer data, const char *name, GVariant *value)
{
  Asked *asked = data;
  g_autofree char *text = g_variant_print (value, TRUE);

  g_assert_cmpstr (name, ==, "");
  pthread_mutex_lock (&asked->end->lock);
  if (asked->n_done == 0)
    {
      g_string_append_printf (asked->items, "%s;", text);
      asked->n_items++;
    }
  pthread_cond_broadcast (&asked->end->changed);
  pthread_mutex_unlock (&asked->end->lock);
}

static void
done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Asked *asked = data;

  if (asked->n_done == 0)
    {
      asked->refused = refused;
      asked->result = result != NULL ? g_variant_ref_sink (result) : NULL;
      asked->error = error != NULL ? g_error_copy (error) : NULL;
      asked->traced = trace != NULL;
    }
  note (asked->end, &asked->n_done);
}

static const FerryAnswerFuncs funcs = {.item = item_came, .done = done, .hold = hold, .release = release};

static Asked *
ask (ContractEnd *self, const FerryRequest *request)
{
  g_autoptr (GError) error = NULL;
  Asked *asked = g_new0 (Asked, 1);

  asked->end = self;
  asked->items = g_string_new (NULL);
  asked->xid = ferry_transport_ask (self->transport, request, &funcs, asked, &error);
  g_assert_no_error (error);
  return asked;
}

/* Any thread. Returns FALSE without room. */
static gboolean
tell (FerryTransport *transport, const char *method, GVariant *arguments, gboolean waits)
{
  const FerryRequest request = {.method = method, .arguments = arguments, .flags = FERRY_CALL_ONE_WAY, .waits = waits};
  g_autoptr (GError) error = NULL;

  if (ferry_transport_ask (transport, &request, NULL, NULL, &error) != 0)
    return TRUE;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  return FALSE;
}

static GVariant *
new_bytes (guint8 fill, gsize size)
{
  guint8 *bytes = g_malloc (size);

  memset (bytes, fill, size);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

/* ---- what comes: told, and kept at a gate ---- */

/* Numbers of several threads. */
static void
take_number (ContractEnd *self, guint64 xid, GVariant *arguments)
{
  g_autoptr (GVariant) bytes = NULL;
  guint thread, number;

  g_variant_get (arguments, "(uu@ay)", &thread, &number, &bytes);
  pthread_mutex_lock (&self->lock);
  self->n_wrong += thread < N_THREADS && number == self->next[thread] ? 0 : 1;
  self->n_wrong += self->last_xid == 0 || xid == self->last_xid + 1 ? 0 : 1;
  self->n_wrong += g_variant_get_size (bytes) == number ? 0 : 1;
  self->next[thread % N_THREADS] = number + 1;
  self->last_xid = xid;
  pthread_mutex_unlock (&self->lock);
  note (self, &self->n_told);
}

static void
pass_gate (ContractEnd *self)
{
  pthread_mutex_lock (&self->lock);
  while (self->is_shut)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
  note (self, &self->n_told);
}

/* ---- descriptors ---- */

int
contract_end_make_file (const char *text)
{
  int fd = memfd_create ("ferry-test", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

char *
contract_end_read_file (int fd)
{
  char text[256] = "";

  g_assert_cmpint (pread (fd, text, sizeof text - 1, 0), >=, 0);
  return g_strdup (text);
}

/* Takes the descriptor. */
static char *
take_text (int fd)
{
  char *text;

  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  text = contract_end_read_file (fd);
  close (fd);
  return text;
}

/* Returns (transfer full) (nullable) what the file says that came with the handle. */
static char *
take_file (FerryTransport *transport, gint handle, GError **error)
{
  int fd = ferry_transport_take_descriptor (transport, handle, error);

  return fd >= 0 ? take_text (fd) : NULL;
}

static gint
send_file (FerryTransport *transport, const char *text, GError **error)
{
  int fd = contract_end_make_file (text);
  gint handle = ferry_transport_send_descriptor (transport, fd, error);

  close (fd);
  return handle;
}

/* ---- answering as a transport's owner of calls ---- */

/* Whether a send must wait for room. The end of the transport is no mistake here. */
static gboolean
must_wait (const GError *error)
{
  const gboolean waits = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);

  if (error != NULL && !waits)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  return waits;
}

/* On the receiving thread, which has room for it. */
static void
answer (FerryCall *call, GVariant *result)
{
  g_autoptr (GError) error = NULL;

  ferry_call_answer (call, result, &error);
  g_assert_false (must_wait (error));
}

/* Sends so many items, and their number as the answer. */
static void
send_items (FerryTransport *transport, FerryCall *call)
{
  const guint n = g_variant_get_uint32 (ferry_call_get_arguments (call));
  guint i = 0;

  /* The window of a call that has ended does not grow. */
  while (i < n && ferry_call_get_cancelled (call) == 0)
    {
      const guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) error = NULL;

      if (ferry_call_send_item (call, g_variant_new_uint32 (i), &error))
        i++;
      else if (must_wait (error))
        ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
      else
        return;
    }
  answer (call, g_variant_new_uint32 (i));
}

static void
send_large (FerryTransport *transport, FerryCall *call)
{
  gboolean waits = TRUE;

  while (waits)
    {
      const guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) error = NULL;

      ferry_call_answer (call, ferry_call_get_arguments (call), &error);
      waits = must_wait (error) && ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
    }
}

/* On a thread that may wait. Takes the call. */
static void
answer_at_length (gpointer data, gpointer end)
{
  g_autoptr (FerryCall) call = data;
  FerryTransport *transport = ferry_call_get_transport (call);

  if (g_str_equal (ferry_call_get_method (call), "items"))
    send_items (transport, call);
  else
    send_large (transport, call);
}

static void
hang_ended (FerryCall *call, gpointer data)
{
  ContractEnd *self = data;
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "It hung");

  self->cancelled = ferry_call_get_cancelled (call);
  ferry_call_answer_error (call, error, NULL, NULL, NULL);
  note (self, &self->n_told);
  g_object_unref (self->owner);
  ferry_call_unref (call);
}

static void
hang (ContractEnd *self, FerryCall *call)
{
  g_object_ref (self->owner);
  note (self, &self->n_told);
  ferry_call_set_cancel_func (ferry_call_ref (call), hang_ended, self);
}

static void
fail (FerryCall *call)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_EXISTS, "It fails");

  g_assert_true (ferry_call_answer_error (call, error, "somewhere", NULL, NULL));
}

static void
tell_whether_it_may_wait (FerryTransport *transport, FerryCall *call)
{
  g_autoptr (GError) error = NULL;
  const gboolean may = ferry_transport_check_may_wait (transport, "the other form", &error);

  if (!may)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  answer (call, g_variant_new_boolean (may));
}

static void
close_here (ContractEnd *self, FerryTransport *transport)
{
  ferry_transport_close (transport);
  ferry_transport_close (transport);
  note (self, &self->n_told);
}

/* Answers with a file that says what the call's says, twice. */
static void
double_file (FerryTransport *transport, FerryCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = take_file (transport, g_variant_get_handle (ferry_call_get_arguments (call)), &error);
  g_autofree char *twice = g_strconcat (text, text, NULL);
  gint handle;

  g_assert_no_error (error);
  handle = send_file (transport, twice, &error);
  g_assert_no_error (error);
  answer (call, g_variant_new_handle (handle));
}

static void
keep (ContractEnd *self, FerryCall *call)
{
  self->kept = ferry_call_ref (call);
  note (self, &self->n_told);
}

static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  ContractEnd *self = g_object_get_data (owner, "end");
  const char *method = ferry_call_get_method (call);
  GVariant *arguments = ferry_call_get_arguments (call);

  if (g_str_equal (method, "echo"))
    answer (call, arguments);
  else if (g_str_equal (method, "number"))
    take_number (self, ferry_call_get_xid (call), arguments);
  else if (g_str_equal (method, "pass"))
    pass_gate (self);
  else if (g_str_equal (method, "large") || g_str_equal (method, "items"))
    g_thread_pool_push (self->answerers, ferry_call_ref (call), NULL);
  else if (g_str_equal (method, "fail"))
    fail (call);
  else if (g_str_equal (method, "deadline"))
    answer (call, g_variant_new_int64 (ferry_call_get_deadline (call)));
  else if (g_str_equal (method, "hang"))
    hang (self, call);
  else if (g_str_equal (method, "wait"))
    tell_whether_it_may_wait (transport, call);
  else if (g_str_equal (method, "keep"))
    keep (self, call);
  else if (g_str_equal (method, "double"))
    double_file (transport, call);
  else if (g_str_equal (method, "close"))
    close_here (self, transport);
  else if (g_str_equal (method, "drop"))
    {
      g_clear_object (&self->transport);
      note (self, &self->n_told);
    }
  else
    g_assert_not_reached ();
}

/* ---- answering as functions of tasks ---- */

static GVariant *
run_echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_ref (arguments);
}

/* Every other answer is a buffer. */
static GVariant *
run_large (FerryJob *job, GVariant *arguments, GError **error)
{
  const guint8 *bytes = g_variant_get_data (arguments);
  g_autoptr (FerryBuffer) buffer = NULL;

  if (bytes[0] % 2 == 0)
    return g_variant_ref (arguments);
  buffer = ferry_job_create_buffer (job, g_variant_get_size (arguments), error);
  if (buffer == NULL)
    return NULL;
  memcpy (ferry_buffer_get_data (buffer, NULL), bytes, g_variant_get_size (arguments));
  ferry_job_return_buffer (job, buffer);
  return NULL;
}

static GVariant *
run_read (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, 0, error);
  g_autofree char *text = fd >= 0 ? take_text (fd) : NULL;

  return text != NULL ? g_variant_new_string (text) : NULL;
}

static GVariant *
run_number (FerryJob *job, GVariant *arguments, GError **error)
{
  take_number (serving, ferry_call_get_xid (ferry_job_get_call (job)), arguments);
  return NULL;
}

static GVariant *
run_pass (FerryJob *job, GVariant *arguments, GError **error)
{
  pass_gate (serving);
  return NULL;
}

static GVariant *
run_items (FerryJob *job, GVariant *arguments, GError **error)
{
  const guint n = g_variant_get_uint32 (arguments);

  for (guint i = 0; i < n; i++)
    if (!ferry_job_yield (job, g_variant_new_uint32 (i), error))
      return NULL;
  return g_variant_new_uint32 (n);
}

static GVariant *
run_fail (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_set_error (job, error, G_IO_ERROR, G_IO_ERROR_EXISTS, "It fails");
  return NULL;
}

static GVariant *
run_deadline (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (ferry_call_get_deadline (ferry_job_get_call (job)));
}

static GVariant *
run_hang (FerryJob *job, GVariant *arguments, GError **error)
{
  GPollFD descriptor;

  note (serving, &serving->n_told);
  g_assert_true (g_cancellable_make_pollfd (ferry_job_get_cancellable (job), &descriptor));
  while (!ferry_job_is_cancelled (job))
    g_poll (&descriptor, 1, -1);
  g_cancellable_release_fd (ferry_job_get_cancellable (job));
  serving->cancelled = ferry_call_get_cancelled (ferry_job_get_call (job));
  note (serving, &serving->n_told);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It hung");
  return NULL;
}

void
contract_end_register_functions (void)
{
  ferry_function_register ("echo", NULL, NULL, run_echo);
  ferry_function_register ("large", "ay", "ay", run_large);
  ferry_function_register ("read", NULL, "s", run_read);
  ferry_function_register ("number", NULL, "", run_number);
  ferry_function_register ("pass", NULL, "", run_pass);
  ferry_function_register ("items", "u", "u", run_items);
  ferry_function_register ("fail", NULL, NULL, run_fail);
  ferry_function_register ("deadline", NULL, "x", run_deadline);
  ferry_function_register ("hang", NULL, NULL, run_hang);
}

/* ---- orders ---- */

static GVariant *
order_take (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) error = NULL;

  if (self == serving || self->takes)
    return NULL;
  ferry_transport_take_calls (self->transport, call_came, self->owner, &error);
  g_assert_no_error (error);
  self->takes = TRUE;
  return NULL;
}

static GVariant *
order_leave (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "No more for today");

  ferry_transport_leave_calls (self->transport, reason);
  return NULL;
}

/* The method, its arguments, a window (0: no stream) and a deadline (0: none). Returns a number for other orders. */
static GVariant *
order_ask (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GVariant) arguments = NULL;
  FerryRequest request = {.waits = TRUE};

  g_variant_get (argument, "(&smvqx)", &request.method, &arguments, &request.window, &request.deadline);
  request.arguments = arguments;
  if (request.window > 0)
    request.flags = (FerryCallFlags) (FERRY_CALL_STREAM | FERRY_TASK_KIND_ITERATION << FERRY_CALL_KIND_SHIFT);
  g_ptr_array_add (self->asked, ask (self, &request));
  return g_variant_new_uint32 (self->asked->len - 1);
}

/* Asks what a file says that goes with the request. */
static GVariant *
order_ask_with_file (ContractEnd *self, GVariant *argument)
{
  int fd = contract_end_make_file (g_variant_get_string (argument, NULL));
  const FerryRequest request = {.method = "read", .waits = TRUE, .descriptors = &fd, .n_descriptors = 1};

  g_ptr_array_add (self->asked, ask (self, &request));
  close (fd);
  return g_variant_new_uint32 (self->asked->len - 1);
}

/* How the question with that number ended: whether it was refused; the result as text; the message, the domain and the
 * code of the error; whether that has a trace; the items. */
static GVariant *
order_outcome (ContractEnd *self, GVariant *argument)
{
  const Asked *asked = g_ptr_array_index (self->asked, g_variant_get_uint32 (argument));
  g_autofree char *text = NULL;
  const GError *error;

  wait_count (self, &asked->n_done, 1);
  text = asked->result != NULL ? g_variant_print (asked->result, TRUE) : g_strdup ("");
  error = asked->error;
  return g_variant_new ("(bsssibs)", asked->refused, text, error != NULL ? error->message : "",
                        error != NULL ? g_quark_to_string (error->domain) : "", error != NULL ? error->code : 0,
                        asked->traced, asked->items->str);
}

/* Waits for so many items of that number. Returns how many came. */
static GVariant *
order_items (ContractEnd *self, GVariant *argument)
{
  const Asked *asked;
  guint number, n;

  g_variant_get (argument, "(uu)", &number, &n);
  asked = g_ptr_array_index (self->asked, number);
  wait_count (self, &asked->n_items, n);
  return g_variant_new_uint32 (asked->n_items);
}

static GVariant *
order_add_window (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) error = NULL;
  guint number, n;

  g_variant_get (argument, "(uu)", &number, &n);
  ferry_transport_add_window (self->transport, ((Asked *) self->asked->pdata[number])->xid, n, &error);
  g_assert_no_error (error);
  return NULL;
}

static GVariant *
order_cancel (ContractEnd *self, GVariant *argument)
{
  const Asked *asked = g_ptr_array_index (self->asked, g_variant_get_uint32 (argument));

  ferry_transport_cancel (self->transport, asked->xid, FERRY_CANCEL_REASON_CANCELLED);
  return NULL;
}

/* Its deadline has passed. */
static GVariant *
order_time_out (ContractEnd *self, GVariant *argument)
{
  const Asked *asked = g_ptr_array_index (self->asked, g_variant_get_uint32 (argument));
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "It is late");

  g_assert_true (ferry_transport_end_request (self->transport, asked->xid, FERRY_CANCEL_REASON_DEADLINE, error));
  return NULL;
}

/* The method and its arguments. */
static GVariant *
order_tell (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GVariant) arguments = NULL;
  const char *method;

  g_variant_get (argument, "(&smv)", &method, &arguments);
  tell (self->transport, method, arguments, TRUE);
  return NULL;
}

typedef struct
{
  ContractEnd *end;
  guint number;
  GThread *thread;
} Teller;

static gpointer
tell_numbers (gpointer data)
{
  static const guint8 bytes[N_TOLD] = {0};
  const Teller *self = data;

  for (guint i = 0; i < N_TOLD; i++)
    tell (self->end->transport, "number",
          g_variant_new ("(uu@ay)", self->number, i, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, i, 1)),
          TRUE);
  return NULL;
}

/* Several threads at once. Returns how many were told. */
static GVariant *
order_tell_numbers (ContractEnd *self, GVariant *argument)
{
  Teller tellers[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    {
      tellers[i] = (Teller){self, i, NULL};
      tellers[i].thread = g_thread_new ("tell", tell_numbers, &tellers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (tellers[i].thread);
  return g_variant_new_uint32 (N_THREADS * N_TOLD);
}

/* Tells “pass” until there is no room. Returns how often. */
static GVariant *
order_fill (ContractEnd *self, GVariant *argument)
{
  guint n = 0;

  do
    self->room_count = ferry_transport_get_room_count (self->transport);
  while (tell (self->transport, "pass", new_bytes (0, BLOCK_SIZE), FALSE) && ++n < MAX_BLOCKS);
  g_assert_cmpuint (n, <, MAX_BLOCKS);
  return g_variant_new_uint32 (n);
}

/* Waits for the room that there was not. */
static GVariant *
order_await_room (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_wait_for_room (self->transport, self->room_count, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_transport_get_room_count (self->transport), >, self->room_count);
  return NULL;
}

static GVariant *
order_ask_large (ContractEnd *self, GVariant *argument)
{
  Asked *asked[N_LARGE];

  for (guint i = 0; i < N_LARGE; i++)
    {
      const FerryRequest request = {
        .method = "large", .arguments = new_bytes ((guint8) (i + 1), LARGE_SIZE), .waits = TRUE};

      asked[i] = ask (self, &request);
    }
  for (guint i = 0; i < N_LARGE; i++)
    {
      const guint8 *bytes;

      asked_wait (asked[i]);
      g_assert_no_error (asked[i]->error);
      g_assert_cmpuint (g_variant_get_size (asked[i]->result), ==, LARGE_SIZE);
      bytes = g_variant_get_data (asked[i]->result);
      g_assert_cmpuint (bytes[0], ==, i + 1);
      g_assert_cmpint (memcmp (bytes, bytes + 1, LARGE_SIZE - 1), ==, 0);
      asked_free (asked[i]);
    }
  return NULL;
}

/* Whether calls of “pass” wait from now on. */
static GVariant *
order_shut (ContractEnd *self, GVariant *argument)
{
  pthread_mutex_lock (&self->lock);
  self->is_shut = g_variant_get_boolean (argument);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

/* Waits for so many calls that are counted. Returns how many there were, and how many of them were wrong. */
static GVariant *
order_told (ContractEnd *self, GVariant *argument)
{
  wait_count (self, &self->n_told, g_variant_get_uint32 (argument));
  return g_variant_new ("(uu)", self->n_told, self->n_wrong);
}

/* Returns why the last call was cancelled that hung. */
static GVariant *
order_cancelled (ContractEnd *self, GVariant *argument)
{
  return g_variant_new_uint32 (self->cancelled);
}

static gpointer
check_may_wait (gpointer transport)
{
  g_assert_true (ferry_transport_check_may_wait (transport, "the other form", NULL));
  return NULL;
}

static GVariant *
order_check_may_wait (ContractEnd *self, GVariant *argument)
{
  g_thread_join (g_thread_new ("wait", check_may_wait, self->transport));
  return NULL;
}

static GVariant *
order_close (ContractEnd *self, GVariant *argument)
{
  if (self->transport != NULL)
    ferry_transport_close (self->transport);
  return NULL;
}

static gpointer
close_there (gpointer transport)
{
  ferry_transport_close (transport);
  return NULL;
}

static GVariant *
order_close_on_threads (ContractEnd *self, GVariant *argument)
{
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("close", close_there, self->transport);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  return NULL;
}

static GVariant *
order_drop (ContractEnd *self, GVariant *argument)
{
  g_clear_object (&self->transport);
  return NULL;
}

/* Waits for the end. Returns the code of the reason. */
static GVariant *
order_closed (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) reason = NULL;

  ferry_transport_wait_ended (self->transport);
  reason = ferry_transport_dup_reason (self->transport);
  g_assert_cmpuint (reason->domain, ==, FERRY_ERROR);
  return g_variant_new_int32 (reason->code);
}

/* Tells “pass” if it can. */
static GVariant *
order_try_to_tell (ContractEnd *self, GVariant *argument)
{
  const FerryRequest request = {.method = "pass", .flags = FERRY_CALL_ONE_WAY};

  ferry_transport_ask (self->transport, &request, NULL, NULL, NULL);
  return NULL;
}

static gpointer
wait_for_nothing (gpointer data)
{
  const ContractEnd *self = data;
  g_autoptr (GError) error = NULL;

  ferry_transport_wait_for_room (self->transport, self->room_count, 0, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

/* A thread waits for room. */
static GVariant *
order_wait (ContractEnd *self, GVariant *argument)
{
  self->room_count = ferry_transport_get_room_count (self->transport);
  self->waiter = g_thread_new ("wait", wait_for_nothing, self);
  return NULL;
}

static GVariant *
order_join (ContractEnd *self, GVariant *argument)
{
  g_thread_join (g_steal_pointer (&self->waiter));
  return NULL;
}

/* The call that was kept is cancelled, and cannot be answered. */
static GVariant *
order_answer_kept (ContractEnd *self, GVariant *argument)
{
  g_autoptr (FerryCall) call = g_steal_pointer (&self->kept);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (ferry_call_get_cancelled (call), !=, 0);
  g_assert_false (ferry_call_answer (call, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  return NULL;
}

/* How many descriptors may wait here. */
static GVariant *
order_accept (ContractEnd *self, GVariant *argument)
{
  g_object_set (self->transport, "max-descriptors", g_variant_get_uint32 (argument), NULL);
  return NULL;
}

/* Returns the handle, or -1 with the code of the error and its message. */
static GVariant *
order_send_file (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) error = NULL;
  const gint handle = send_file (self->transport, g_variant_get_string (argument, NULL), &error);

  return g_variant_new ("(iis)", handle, error != NULL ? error->code : 0, error != NULL ? error->message : "");
}

/* Returns what the file says, or the code of the error and its message. */
static GVariant *
order_take_file (ContractEnd *self, GVariant *argument)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = take_file (self->transport, g_variant_get_int32 (argument), &error);

  return g_variant_new ("(sis)", text != NULL ? text : "", error != NULL ? error->code : 0,
                        error != NULL ? error->message : "");
}

static const struct
{
  const char *name;
  GVariant *(*func) (ContractEnd *self, GVariant *argument);
} orders[] = {
  {"take", order_take},
  {"leave", order_leave},
  {"ask", order_ask},
  {"ask-with-file", order_ask_with_file},
  {"outcome", order_outcome},
  {"items", order_items},
  {"add-window", order_add_window},
  {"cancel", order_cancel},
  {"time-out", order_time_out},
  {"tell", order_tell},
  {"tell-numbers", order_tell_numbers},
  {"fill", order_fill},
  {"await-room", order_await_room},
  {"ask-large", order_ask_large},
  {"shut", order_shut},
  {"told", order_told},
  {"cancelled", order_cancelled},
  {"check-may-wait", order_check_may_wait},
  {"close", order_close},
  {"close-on-threads", order_close_on_threads},
  {"drop", order_drop},
  {"closed", order_closed},
  {"try-to-tell", order_try_to_tell},
  {"wait", order_wait},
  {"join", order_join},
  {"answer-kept", order_answer_kept},
  {"accept", order_accept},
  {"send-file", order_send_file},
  {"take-file", order_take_file},
};

static GVariant *
do_here (ContractEnd *self, const char *order, GVariant *argument)
{
  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    if (g_str_equal (orders[i].name, order))
      return orders[i].func (self, argument);
  g_error ("No end knows the order '%s'", order);
}

/* ---- orders that go to another process ---- */

static void
send_value (int socket, GVariant *value)
{
  g_autoptr (GVariant) kept = g_variant_ref_sink (value);
  const gsize size = g_variant_get_size (kept);

  g_assert_cmpuint (size, <=, MAX_ORDER);
  g_assert_cmpint (send (socket, g_variant_get_data (kept), size, MSG_NOSIGNAL), ==, size);
}

/* Returns (transfer full) (nullable) a value; NULL if none will come. */
static GVariant *
receive_value (int socket, const char *type)
{
  guint8 *bytes = g_malloc (MAX_ORDER);
  const ssize_t size = recv (socket, bytes, MAX_ORDER, 0);

  if (size <= 0)
    {
      g_free (bytes);
      return NULL;
    }
  return g_variant_ref_sink (
    g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, (gsize) size, FALSE, g_free, bytes));
}

GVariant *
contract_end_do (ContractEnd *self, const char *order, GVariant *argument)
{
  g_autoptr (GVariant) kept = argument != NULL ? g_variant_ref_sink (argument) : NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariant *said = NULL;

  if (self->socket < 0)
    {
      said = do_here (self, order, kept);
      return said != NULL ? g_variant_ref_sink (said) : NULL;
    }
  send_value (self->socket, g_variant_new (ORDER_TYPE, order, kept));
  reply = receive_value (self->socket, REPLY_TYPE);
  if (reply == NULL)
    g_error ("The process has ended that was to do '%s'", order);
  g_variant_get (reply, REPLY_TYPE, NULL, &said);
  return said;
}

void
contract_end_obey (ContractEnd *self, int socket)
{
  GVariant *order;

  while ((order = receive_value (socket, ORDER_TYPE)) != NULL)
    {
      g_autoptr (GVariant) argument = NULL;
      const char *name;

      g_variant_get (order, "(&smv)", &name, &argument);
      send_value (socket, g_variant_new (REPLY_TYPE, 0, do_here (self, name, argument)));
      g_variant_unref (order);
    }
  close (socket);
}

/* ---- the object ---- */

static void
end_clear (gpointer data)
{
  ContractEnd *self = data;

  g_thread_pool_free (self->answerers, FALSE, TRUE);
  g_ptr_array_unref (self->asked);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

ContractEnd *
contract_end_new (FerryTransport *transport)
{
  ContractEnd *self = g_new0 (ContractEnd, 1);

  self->socket = -1;
  self->transport = transport;
  self->owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_object_set_data_full (self->owner, "end", self, end_clear);
  self->answerers = g_thread_pool_new (answer_at_length, NULL, 2 * N_LARGE, FALSE, NULL);
  self->asked = g_ptr_array_new_with_free_func (asked_free);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  if (transport == NULL)
    serving = self;
  return self;
}

ContractEnd *
contract_end_new_remote (int socket)
{
  ContractEnd *self = g_new0 (ContractEnd, 1);

  self->socket = socket;
  return self;
}

void
contract_end_free (ContractEnd *self)
{
  if (self->socket >= 0)
    {
      close (self->socket);
      g_free (self);
      return;
    }
  if (self->transport != NULL)
    {
      ferry_transport_close (self->transport);
      ferry_transport_wait_ended (self->transport);
    }
  for (guint i = 0; i < self->asked->len; i++)
    asked_wait (self->asked->pdata[i]);
  g_clear_pointer (&self->kept, ferry_call_unref);
  g_clear_object (&self->transport);
  if (serving == self)
    serving = NULL;
  g_object_unref (self->owner);
}
