/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-session.c, object/ferry-subscription.c, object/ferry-replica.c
 *
 * Proxies, views, feeds and replicas, and whatever an exporter says to them, mixed with what their owner does.
 *
 * The first byte says that the exporter does not begin to listen by itself (1). Then come orders, a byte each, some of
 * them with more: see obey(). What is answered are requests that were sent, so that the search need not guess their
 * numbers. Every call ends once, and every reference that arrived is dropped once. */

#include "config.h"

#include <dlfcn.h>
#include <string.h>

#include "base/ferry-error.h"
#include "fuzz-end.h"
#include "fuzz-node.h"
#include "fuzz.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-list-replica.h"
#include "object/ferry-list-row.h"
#include "object/ferry-proxy-private.h"
#include "object/ferry-proxy.h"
#include "object/packed-message.h"
#include "wire/ferry-remote-error-private.h"

#define MAX_PROXIES 64

/* Time stands still, long ago: a feed's pace is over as soon as it has begun, */
#define NOW 10000

gint64
g_get_monotonic_time (void)
{
  return NOW;
}

/* and a limit of seconds never is. */
void
g_source_set_ready_time (GSource *source, gint64 time)
{
  void (*set) (GSource *, gint64) = (void (*) (GSource *, gint64)) dlsym (RTLD_NEXT, "g_source_set_ready_time");

  set (source, time > NOW + G_USEC_PER_SEC ? -1 : time);
}

typedef struct
{
  guint64 xid;
  char *method; /* (owned) */
  guint window;
} Request;

typedef struct
{
  FerryTransport *transport; /* (owned) */
  GPtrArray *open;           /* (element-type Request) (owned): not answered */
  GHashTable *references;    /* (owned): generation and number, as text, to how many arrived and were not dropped */
  FerryProxy *proxy;         /* (owned): of a name */
  GPtrArray *proxies;        /* (element-type FerryProxy) (owned): that came as results */
  GObject *replica;          /* (owned) (nullable) */
  FerryListReplica *list;    /* (owned) (nullable) */
  GPtrArray *rows;           /* (element-type FerryListRow) (owned): that are looked at */
  GCancellable *cancellable;
  guint n_items; /* of the list, by what it said */
  guint n_asked; /* calls, and how many of them returned */
  guint n_returned;
  FuzzInput input;
} Scene;

/* ---- what goes out ---- */

static void
request_free (gpointer data)
{
  g_free (((Request *) data)->method);
  g_free (data);
}

static Request *
find_request (Scene *self, guint64 xid)
{
  for (guint i = 0; i < self->open->len; i++)
    if (((Request *) self->open->pdata[i])->xid == xid)
      return self->open->pdata[i];
  return NULL;
}

static void
count_reference (Scene *self, guint64 generation, guint64 number, gint64 n)
{
  g_autofree char *key = g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, generation, number);
  gint64 count = n + GPOINTER_TO_INT (g_hash_table_lookup (self->references, key));

  g_assert_cmpint (count, >=, 0);
  if (count == 0)
    g_hash_table_remove (self->references, key);
  else
    g_hash_table_insert (self->references, g_steal_pointer (&key), GINT_TO_POINTER ((int) count));
}

static void
book_request (Scene *self, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message, NULL);
  g_autofree char *method = g_strndup (message->name, message->header.name_length);
  guint64 generation, number, count;
  Request *request;

  if (g_str_equal (method, FERRY_OBJECT_METHOD_RELEASE))
    {
      g_assert_cmpint (message->header.flags, ==, FERRY_CALL_ONE_WAY);
      g_variant_get (value, "(ttt)", &generation, &number, &count);
      count_reference (self, generation, number, -(gint64) count);
      return;
    }
  g_assert_null (find_request (self, message->header.xid));
  request = g_new (Request, 1);
  *request = (Request){message->header.xid, g_steal_pointer (&method), message->header.window};
  g_ptr_array_add (self->open, request);
}

static void
note_sent (const FerryCallMessage *message, gpointer data)
{
  Scene *self = data;
  Request *request = find_request (self, message->header.xid);

  if (message->header.kind == FERRY_CALL_REQUEST)
    book_request (self, message);
  else if (message->header.kind == FERRY_CALL_WINDOW && request != NULL)
    request->window += (guint) message->header.number;
}

/* ---- what comes ---- */

/* A reference that arrives with an answer has to be dropped again. */
static void
book_answer (Scene *self, const FerryCallMessage *message)
{
  Request *request = find_request (self, message->header.xid);
  g_autoptr (GVariant) value = NULL;
  FerryChainResult result;

  if (request == NULL || message->header.kind == FERRY_CALL_ITEM || message->header.kind > FERRY_CALL_REFUSE)
    return;
  value = ferry_call_message_dup_value (message, NULL);
  if (message->header.kind == FERRY_CALL_ANSWER && message->header.number == 0 && value != NULL &&
      g_str_equal (request->method, FERRY_OBJECT_METHOD_VIEW) && packed_result_take (&result, value))
    {
      if (result.generation != 0)
        count_reference (self, result.generation, result.number, 1);
      ferry_chain_result_clear (&result);
    }
  g_ptr_array_remove (self->open, request);
}

static void
come (Scene *self, gconstpointer data, gsize size)
{
  FerryTransport *transport = self->transport;
  FerryCallMessage message;

  if (ferry_transport_get_closed (transport))
    return;
  if (ferry_call_message_parse (&message, data, size, NULL))
    book_answer (self, &message);
  ferry_transport_receive (transport, data, size);
}

/* Takes value. */
static void
say (Scene *self, FerryCallKind kind, guint64 xid, GVariant *value)
{
  g_autoptr (GVariant) body = g_variant_ref_sink (value);
  g_autoptr (GByteArray) bytes = NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, kind, xid, NULL, body);
  bytes = fuzz_end_join (&message);
  come (self, bytes->data, bytes->len);
}

/* Which of those that were asked so, and the bytes of a value. */
static void
say_next (Scene *self, FerryCallKind kind, const char *method, const char *type)
{
  guint8 which = fuzz_input_next_byte (&self->input);
  g_autoptr (GBytes) bytes = fuzz_input_next_bytes (&self->input);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE));
  g_autoptr (GPtrArray) fit = g_ptr_array_new ();
  Request *request;

  for (guint i = 0; i < self->open->len; i++)
    {
      request = self->open->pdata[i];
      if (g_str_equal (request->method, method) && (kind != FERRY_CALL_ITEM || request->window > 0))
        g_ptr_array_add (fit, request);
    }
  if (fit->len == 0)
    return;
  request = fit->pdata[which % fit->len];
  request->window -= kind == FERRY_CALL_ITEM;
  say (self, kind, request->xid, value);
}

static void
tell_listening (Scene *self, gboolean listening, guint64 generation)
{
  for (guint i = 0; i < self->open->len; i++)
    {
      Request *request = self->open->pdata[i];

      if (!g_str_equal (request->method, FERRY_OBJECT_METHOD_WATCH) || request->window == 0)
        continue;
      request->window--;
      say (self, FERRY_CALL_ITEM, request->xid, g_variant_new ("(bt)", listening, generation));
      return;
    }
}

static void
fail_one (Scene *self, guint which, gboolean refused)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "It is busy");

  if (self->open->len > 0)
    say (self, refused ? FERRY_CALL_REFUSE : FERRY_CALL_ERROR,
         ((Request *) self->open->pdata[which % self->open->len])->xid,
         g_variant_new ("(sissas)", "ferry-error-quark", (gint32) which % 40, error->message, "", NULL));
}

/* ---- the owner ---- */

static FerryProxy *
choose_proxy (Scene *self, guint8 which)
{
  return which % 4 == 0 || self->proxies->len == 0 ? self->proxy : self->proxies->pdata[which % self->proxies->len];
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Scene *self = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryProxy) object = NULL;
  g_autoptr (GError) error = NULL;
  gboolean resolved = ferry_resolve_finish (result, &value, &object, &error);

  self->n_returned++;
  fuzz_n_accepted += resolved;
  g_assert_true (resolved == (error == NULL));
  g_assert_true (value == NULL || object == NULL);
  if (object != NULL && self->proxies->len < MAX_PROXIES)
    g_ptr_array_add (self->proxies, g_steal_pointer (&object));
}

static void
described_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Scene *self = data;
  g_autoptr (GError) error = NULL;
  GDBusInterfaceInfo *info = ferry_proxy_describe_finish (FERRY_PROXY (proxy), result, &error);
  g_autoptr (GString) text = g_string_new (NULL);

  self->n_returned++;
  g_assert_true ((info != NULL) == (error == NULL));
  if (info == NULL)
    return;
  /* Its users may rely on what GDBus does. */
  g_dbus_interface_info_generate_xml (info, 0, text);
  g_dbus_interface_info_unref (info);
}

static void
ask (Scene *self, guint8 how)
{
  FerryProxy *proxy = choose_proxy (self, how);

  self->n_asked++;
  if (how % 8 == 7)
    {
      ferry_proxy_describe_async (proxy, -1, self->cancellable, described_cb, self);
      return;
    }
  ferry_proxy_resolve_async (proxy,
                             how % 8 == 6   ? g_variant_new ("((ssi))", "set", "value", how)
                             : how % 8 == 5 ? g_variant_new ("((ss))", "get", "value")
                                            : g_variant_new ("((ss))", "call", "make"),
                             g_variant_new_parsed ("{'as-proxy': <%b>}", how % 16 == 2), -1, self->cancellable,
                             resolved_cb, self);
}

static void
follow (Scene *self, guint8 how)
{
  FerryProxy *proxy = choose_proxy (self, how);

  if (how % 2 == 0)
    ferry_proxy_follow (proxy, (const char *const[]){"*", NULL}, (const char *const[]){"told", NULL});
  else
    ferry_proxy_follow (proxy, NULL, NULL);
}

static void
items_changed_cb (GListModel *list, guint position, guint n_removed, guint n_added, Scene *self)
{
  g_assert_cmpuint (position, <=, self->n_items);
  g_assert_cmpuint (n_removed, <=, self->n_items - position);
  self->n_items = self->n_items - n_removed + n_added;
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, self->n_items);
}

static void
make_replica (Scene *self, guint8 how)
{
  g_clear_object (how % 2 == 0 ? &self->replica : (GObject **) &self->list);
  g_ptr_array_set_size (self->rows, 0);
  if (how % 2 == 0)
    self->replica = ferry_proxy_create_replica (choose_proxy (self, how / 2), fuzz_node_get_type (), NULL);
  else
    {
      self->n_items = 0;
      self->list = ferry_list_replica_new (choose_proxy (self, how / 2));
      g_object_set (self->list, "cache-size", how, NULL);
      g_signal_connect (self->list, "items-changed", G_CALLBACK (items_changed_cb), self);
    }
}

static void
look (Scene *self, guint8 where)
{
  FerryListRow *row;

  if (self->replica != NULL)
    g_object_set (self->replica, "value", where % 100, NULL);
  if (self->list == NULL || self->n_items == 0 || self->rows->len > 100)
    return;
  row = g_list_model_get_item (G_LIST_MODEL (self->list), where % self->n_items);
  g_assert_true (ferry_list_row_get_loaded (row) == (ferry_list_row_get_value (row) != NULL));
  g_ptr_array_add (self->rows, row);
}

static void
drop_proxy (Scene *self, guint8 which)
{
  if (self->proxies->len > 0)
    g_ptr_array_remove_index (self->proxies, which % self->proxies->len);
}

static void
obey_owner (Scene *self, guint8 order)
{
  switch (order)
    {
    case 'A': /* how */
      ask (self, fuzz_input_next_byte (&self->input));
      break;
    case 'F': /* how */
      follow (self, fuzz_input_next_byte (&self->input));
      break;
    case 'R': /* how */
      make_replica (self, fuzz_input_next_byte (&self->input));
      break;
    case 'L': /* where */
      look (self, fuzz_input_next_byte (&self->input));
      break;
    case 'P': /* which */
      drop_proxy (self, fuzz_input_next_byte (&self->input));
      break;
    case 'X':
      g_cancellable_cancel (self->cancellable);
      g_clear_object (&self->cancellable);
      self->cancellable = g_cancellable_new ();
      break;
    default:
      fuzz_end_set_full (self->transport, order == 'B');
      break;
    }
}

static void
obey (Scene *self, guint8 order)
{
  g_autoptr (GBytes) bytes = NULL;
  guint8 state;

  switch (order)
    {
    case 'm': /* a message, whole */
      bytes = fuzz_input_next_bytes (&self->input);
      come (self, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      break;
    case 'v': /* which, and a result */
      say_next (self, FERRY_CALL_ANSWER, FERRY_OBJECT_METHOD_VIEW, "ay");
      break;
    case 'd': /* which, and a description */
      say_next (self, FERRY_CALL_ANSWER, FERRY_OBJECT_METHOD_DESCRIBE, FERRY_DESCRIPTION_TYPE);
      break;
    case 'f': /* which, and an item */
      say_next (self, FERRY_CALL_ITEM, FERRY_OBJECT_METHOD_FOLLOW, FERRY_SUBSCRIPTION_ITEM_TYPE);
      break;
    case 'o': /* which, and an item of any type */
      say_next (self, FERRY_CALL_ITEM, FERRY_OBJECT_METHOD_FOLLOW, "v");
      break;
    case 'a': /* which, and a result of any type */
      say_next (self, FERRY_CALL_ANSWER, FERRY_OBJECT_METHOD_VIEW, "v");
      break;
    case 'w': /* 1: it listens; four times its generation */
      state = fuzz_input_next_byte (&self->input);
      tell_listening (self, state & 1, state >> 2);
      break;
    case 'e':
    case 'E': /* which */
      fail_one (self, fuzz_input_next_byte (&self->input), order == 'E');
      break;
    default:
      obey_owner (self, order);
      break;
    }
}

/* ---- the whole ---- */

static gboolean
is_call (const Request *request)
{
  return g_str_equal (request->method, FERRY_OBJECT_METHOD_VIEW) ||
         g_str_equal (request->method, FERRY_OBJECT_METHOD_DESCRIBE);
}

/* What waits for an answer keeps its proxy, also where nothing waits for it any more. */
static void
answer_all (Scene *self, GMainContext *context)
{
  GPtrArray *open = self->open;

  for (guint i = 0; !ferry_transport_get_closed (self->transport) && i < open->len;)
    if (is_call (open->pdata[i]))
      {
        fail_one (self, i, FALSE);
        fuzz_end_settle (context);
        i = 0;
      }
    else
      i++;
}

static void
finish (Scene *self, GMainContext *context)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The input is over");
  FerryTransport *transport = self->transport;

  g_ptr_array_unref (self->rows);
  g_clear_object (&self->list);
  g_clear_object (&self->replica);
  ferry_proxy_follow (self->proxy, NULL, NULL);
  fuzz_end_set_full (self->transport, FALSE);
  fuzz_end_settle (context);
  answer_all (self, context);
  g_ptr_array_unref (self->proxies);
  fuzz_end_settle (context);
  if (!ferry_transport_get_closed (transport))
    g_assert_cmpuint (g_hash_table_size (self->references), ==, 0);
  ferry_transport_end (transport, reason);
  fuzz_end_settle (context);
  g_assert_cmpuint (self->n_returned, ==, self->n_asked);
  g_assert_finalize_object (self->proxy);
  fuzz_end_settle (context);
  g_assert_finalize_object (self->transport);
  g_ptr_array_unref (self->open);
  g_hash_table_unref (self->references);
  g_object_unref (self->cancellable);
  g_assert_cmpuint (fuzz_node_count (), ==, 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Scene scene = {.input = {data, size, 1}};

  if (size == 0)
    return 0;
  g_main_context_push_thread_default (context);
  scene.transport = fuzz_end_new (note_sent, &scene);
  scene.open = g_ptr_array_new_with_free_func (request_free);
  scene.references = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scene.proxies = g_ptr_array_new_with_free_func (g_object_unref);
  scene.rows = g_ptr_array_new_with_free_func (g_object_unref);
  scene.cancellable = g_cancellable_new ();
  scene.proxy = ferry_proxy_new (scene.transport, "node");
  if ((data[0] & 1) == 0)
    tell_listening (&scene, TRUE, 7);
  while (scene.input.at < size)
    {
      obey (&scene, fuzz_input_next_byte (&scene.input));
      if (fuzz_input_next_byte (&scene.input) % 4 != 3)
        fuzz_end_settle (context);
    }
  finish (&scene, context);
  g_main_context_pop_thread_default (context);
  return 0;
}
