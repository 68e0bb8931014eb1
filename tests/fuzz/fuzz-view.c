/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-evaluation.c, wire/ferry-object-message.c
 *
 * An exporter, and whatever the other end asks of it, mixed with what its objects do.
 *
 * The first byte says that the objects have several callers at a time (1). Then come orders, a byte each, some of them
 * with more: see obey(). Roots are made from the references that were given, so that the search need not guess them.
 * Books are kept here of what goes out: a request has one answer, a stream no more items than were wanted, and the
 * exporter has just the references that were sent and not dropped. */

#include "config.h"

#include <ferry-objects.h>

#include <string.h>

#include "base/ferry-error.h"
#include "ferry-test.h"
#include "fuzz-end.h"
#include "fuzz-node.h"
#include "fuzz.h"
#include "object/packed-message.h"

#define FUZZ_TYPE_SHELF (fuzz_shelf_get_type ())
G_DECLARE_FINAL_TYPE (FuzzShelf, fuzz_shelf, FUZZ, SHELF, GObject)

/* A container: what has keys. */
struct _FuzzShelf
{
  GObject parent_instance;
  GHashTable *items; /* (owned): values by their keys, as text */
};

G_DEFINE_FINAL_TYPE (FuzzShelf, fuzz_shelf, G_TYPE_OBJECT)

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryExporter *exporter;   /* (owned) */
  FuzzNode *node;            /* (owned) */
  GListStore *list;          /* (owned) */
  FuzzShelf *shelf;          /* (owned) */
  guint64 last_xid;
  GHashTable *cancelled;  /* (owned): xids */
  GHashTable *windows;    /* (owned): xid to how many items are wanted, of what is to be answered */
  GHashTable *references; /* (owned): number to how many were sent and not dropped */
  GArray *given;          /* (element-type guint64) (owned): numbers, as they were sent */
  guint64 generation;     /* the exporter's, once a reference was given */
  FuzzInput input;
} Scene;

/* ---- a container ---- */

static gboolean
shelf_get (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data, GError **error)
{
  g_autofree char *text = g_variant_print (key, FALSE);
  GVariant *found = g_hash_table_lookup (FUZZ_SHELF (object)->items, text);

  if (found == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "The shelf has no such key");
  else
    *value = g_variant_ref (found);
  return found != NULL;
}

static gboolean
shelf_set (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error)
{
  g_hash_table_insert (FUZZ_SHELF (object)->items, g_variant_print (key, FALSE), g_variant_ref_sink (value));
  return TRUE;
}

static gboolean
shelf_delete (gpointer object, GVariant *key, gpointer user_data, GError **error)
{
  g_autofree char *text = g_variant_print (key, FALSE);

  if (g_hash_table_remove (FUZZ_SHELF (object)->items, text))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "The shelf has no such key");
  return FALSE;
}

static gboolean
shelf_contains (gpointer object, GVariant *key, gboolean *contains, gpointer user_data, GError **error)
{
  g_autofree char *text = g_variant_print (key, FALSE);

  *contains = g_hash_table_contains (FUZZ_SHELF (object)->items, text);
  return TRUE;
}

static gboolean
shelf_get_length (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  *length = g_hash_table_size (FUZZ_SHELF (object)->items);
  return TRUE;
}

static FerryInterface *
fuzz_shelf_create_interface (void)
{
  static const FerryContainerFuncs funcs = {shelf_get, shelf_set, shelf_delete, shelf_contains, shelf_get_length};
  FerryInterface *interface = ferry_interface_new ("fuzz.Shelf", FUZZ_TYPE_SHELF);

  ferry_interface_set_container (interface, &funcs, NULL, NULL);
  return interface;
}

static void
fuzz_shelf_finalize (GObject *object)
{
  g_hash_table_unref (FUZZ_SHELF (object)->items);
  G_OBJECT_CLASS (fuzz_shelf_parent_class)->finalize (object);
}

static void
fuzz_shelf_class_init (FuzzShelfClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fuzz_shelf_finalize;
}

static void
fuzz_shelf_init (FuzzShelf *self)
{
  self->items = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
}

/* ---- what goes out ---- */

static void
add_number (GHashTable *table, guint64 key, guint64 n)
{
  guint64 *before = g_hash_table_lookup (table, &key);

  n += before != NULL ? *before : 0;
  g_hash_table_insert (table, g_memdup2 (&key, sizeof key), g_memdup2 (&n, sizeof n));
}

static void
book_answer (Scene *self, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message, NULL);
  FerryChainResult result;

  if (message->header.kind != FERRY_CALL_ANSWER || !packed_result_take (&result, value))
    return;
  fuzz_n_accepted++;
  if (result.generation != 0)
    {
      if (self->given->len == 0)
        self->generation = result.generation;
      g_assert_cmpuint (result.generation, ==, self->generation);
      add_number (self->references, result.number, 1);
      g_array_append_val (self->given, result.number);
    }
  ferry_chain_result_clear (&result);
}

static void
note_sent (const FerryCallMessage *message, gpointer data)
{
  Scene *self = data;
  guint64 *window = g_hash_table_lookup (self->windows, &message->header.xid);

  g_assert_nonnull (window);
  if (message->header.kind == FERRY_CALL_ITEM)
    {
      g_assert_cmpuint (*window, >, 0);
      (*window)--;
      return;
    }
  g_assert_true (message->header.kind == FERRY_CALL_ANSWER || message->header.kind == FERRY_CALL_ERROR ||
                 message->header.kind == FERRY_CALL_REFUSE);
  g_hash_table_remove (self->windows, &message->header.xid);
  book_answer (self, message);
}

/* ---- what comes ---- */

/* Returns (transfer floating): of any content that has this type. */
static GVariant *
next_value (Scene *self, const char *type)
{
  g_autoptr (GBytes) bytes = fuzz_input_next_bytes (&self->input);

  return g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE);
}

static FerryObjectRoot
next_root (Scene *self)
{
  static const char *const names[] = {"node", "list", "shelf", ""};
  guint8 which = fuzz_input_next_byte (&self->input);

  if (which < G_N_ELEMENTS (names))
    return (FerryObjectRoot){names[which], 0, 0};
  if (self->given->len == 0)
    return (FerryObjectRoot){"node", which == 4, which};
  return (FerryObjectRoot){"node", self->generation + (which == 4),
                           g_array_index (self->given, guint64, which % self->given->len)};
}

static void
book_release (Scene *self, GVariant *arguments)
{
  guint64 generation, number, count;
  guint64 *n;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(ttt)")))
    return;
  g_variant_get (arguments, "(ttt)", &generation, &number, &count);
  n = g_hash_table_lookup (self->references, &number);
  if (n == NULL || generation != self->generation)
    return;
  *n -= MIN (*n, count);
  if (*n == 0)
    g_hash_table_remove (self->references, &number);
}

static gboolean
is_release (const FerryCallMessage *message)
{
  return message->header.kind == FERRY_CALL_REQUEST &&
         message->header.name_length == strlen (FERRY_OBJECT_METHOD_RELEASE) &&
         memcmp (message->name, FERRY_OBJECT_METHOD_RELEASE, message->header.name_length) == 0;
}

/* What the books say, before the exporter may answer. */
static void
book_request (Scene *self, const FerryCallMessage *message)
{
  g_autoptr (GVariant) arguments = ferry_call_message_dup_value (message, NULL);
  guint64 *window = g_hash_table_lookup (self->windows, &message->header.xid);

  if (message->header.kind == FERRY_CALL_WINDOW && window != NULL)
    *window += (guint64) message->header.number;
  if (message->header.kind != FERRY_CALL_REQUEST || window != NULL)
    return;
  if ((message->header.flags & FERRY_CALL_ONE_WAY) == 0)
    add_number (self->windows, message->header.xid,
                (message->header.flags & FERRY_CALL_STREAM) != 0 ? message->header.window : 0);
  if (is_release (message))
    book_release (self, arguments);
}

/* A release that was taken back, or has no time left, may be passed over or not. */
static gboolean
may_be_passed_over (Scene *self, const FerryCallMessage *message)
{
  return is_release (message) &&
         (message->header.number != 0 || g_hash_table_contains (self->cancelled, &message->header.xid));
}

static void
come (Scene *self, gconstpointer data, gsize size)
{
  FerryTransport *transport = self->transport;
  FerryCallMessage message;

  if (ferry_transport_get_closed (transport))
    return;
  if (ferry_call_message_parse (&message, data, size, NULL))
    {
      if (message.header.kind == FERRY_CALL_CANCEL)
        g_hash_table_add (self->cancelled, g_memdup2 (&message.header.xid, sizeof message.header.xid));
      if (may_be_passed_over (self, &message))
        return;
      book_request (self, &message);
    }
  ferry_transport_receive (transport, data, size);
}

/* Takes value. flags: FerryCallFlags, and 0xf0 the window. */
static void
ask (Scene *self, const char *method, GVariant *value, guint8 flags)
{
  g_autoptr (GVariant) arguments = value != NULL ? g_variant_ref_sink (value) : NULL;
  g_autoptr (GByteArray) bytes = NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, ++self->last_xid, method, arguments);
  message.header.flags = flags & 3;
  message.header.window = (flags & FERRY_CALL_STREAM) != 0 ? flags >> 4 : 0;
  bytes = fuzz_end_join (&message);
  come (self, bytes->data, bytes->len);
}

static void
tell_number (Scene *self, FerryCallKind kind, guint64 xid, gint64 number)
{
  FerryCallMessage message;
  FerryPart parts[FERRY_CALL_MAX_PARTS];

  ferry_call_message_init (&message, kind, xid, NULL, NULL);
  message.header.number = number;
  g_assert_cmpuint (ferry_call_message_get_parts (&message, parts), ==, 1);
  come (self, parts[0].data, parts[0].size);
}

static void
ask_to_follow (Scene *self, const FerryObjectRoot *root, guint8 flags)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (next_value (self, "(asasb)"));
  g_autoptr (GVariant) properties = g_variant_get_child_value (value, 0);
  g_autoptr (GVariant) signals = g_variant_get_child_value (value, 1);

  ask (self, FERRY_OBJECT_METHOD_FOLLOW,
       g_variant_new ("(stt@as@asb)", root->name, root->generation, root->number, properties, signals, flags & 4),
       flags);
}

/* Returns (transfer floating): how many steps it says there are, and their bytes. */
static GVariant *
next_view (Scene *self, const FerryObjectRoot *root, gboolean as_proxy)
{
  const FerryChainRequest request = {.root = *root, .as_proxy = as_proxy};
  g_autoptr (GVariant) head = g_variant_ref_sink (packed_request (&request));
  GByteArray *packed = g_byte_array_new ();
  guint32 n_steps = fuzz_input_next_byte (&self->input);
  g_autoptr (GBytes) steps = fuzz_input_next_bytes (&self->input);
  g_autoptr (GBytes) bytes = NULL;

  g_byte_array_append (packed, g_variant_get_data (head), (guint) g_variant_get_size (head));
  memcpy (packed->data + 16, &n_steps, sizeof n_steps);
  g_byte_array_append (packed, g_bytes_get_data (steps, NULL), (guint) g_bytes_get_size (steps));
  bytes = g_byte_array_free_to_bytes (packed);
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, FALSE);
}

static void
ask_about_root (Scene *self, guint8 order)
{
  FerryObjectRoot root = next_root (self);
  guint8 flags = fuzz_input_next_byte (&self->input);

  if (order == 'D')
    ask (self, FERRY_OBJECT_METHOD_DESCRIBE, g_variant_new ("(stt)", root.name, root.generation, root.number), flags);
  else if (order == 'R')
    ask (self, FERRY_OBJECT_METHOD_RELEASE, g_variant_new ("(ttt)", root.generation, root.number, (guint64) flags >> 2),
         flags & 3);
  else if (order == 'F')
    ask_to_follow (self, &root, flags);
  else
    ask (self, FERRY_OBJECT_METHOD_VIEW, next_view (self, &root, (flags & 4) != 0), flags);
}

/* ---- what happens here ---- */

static void
change (Scene *self, guint8 how)
{
  g_autoptr (GObject) added = g_object_new (fuzz_node_get_type (), NULL);

  g_object_set (self->node, "value", how % 100, NULL);
  if (how % 2 == 0)
    g_list_store_insert (self->list, how % (g_list_model_get_n_items (G_LIST_MODEL (self->list)) + 1), added);
  else if (g_list_model_get_n_items (G_LIST_MODEL (self->list)) > 0)
    g_list_store_remove (self->list, 0);
  for (int i = 0; i < how % 8; i++)
    g_signal_emit_by_name (self->node, "told", i);
}

static gboolean
let_go_cb (gpointer data)
{
  fuzz_node_let_go ();
  return G_SOURCE_REMOVE;
}

/* Where a context is iterated nothing waits for room, as other threads may. */
static void
let_go_soon (void)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, let_go_cb, NULL, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
obey (Scene *self, guint8 order)
{
  g_autoptr (GBytes) bytes = NULL;
  gsize size;

  switch (order)
    {
    case 'm': /* a message, whole */
      bytes = fuzz_input_next_bytes (&self->input);
      come (self, g_bytes_get_data (bytes, &size), g_bytes_get_size (bytes));
      break;
    case 'V': /* root, flags, how many steps, steps */
    case 'F': /* root, flags, (asasb) */
    case 'D': /* root, flags */
    case 'R': /* root, and four times how many, with flags */
      ask_about_root (self, order);
      break;
    case 'W': /* flags */
      ask (self, FERRY_OBJECT_METHOD_WATCH, NULL, fuzz_input_next_byte (&self->input));
      break;
    case 'x': /* call */
      tell_number (self, FERRY_CALL_CANCEL, fuzz_input_next_byte (&self->input), 1);
      break;
    case 'w': /* call, and how many */
      tell_number (self, FERRY_CALL_WINDOW, fuzz_input_next_byte (&self->input),
                   fuzz_input_next_byte (&self->input) + 1);
      break;
    case 'c': /* how */
      change (self, fuzz_input_next_byte (&self->input));
      break;
    case 'l':
      let_go_soon ();
      break;
    case 's':
    case 'S':
      ferry_exporter_stop (self->exporter, order == 's' ? FERRY_STOP_MODE_DRAIN : FERRY_STOP_MODE_REFUSE);
      break;
    case 't':
      ferry_exporter_start (self->exporter);
      break;
    default:
      fuzz_end_set_full (self->transport, order == 'b');
      break;
    }
}

/* ---- the whole ---- */

static void export(Scene *self, const char *name, gpointer object, FerryInterface *interface, FerryCallPolicy policy)
{
  g_autoptr (FerryInterface) owned = interface;

  g_assert_true (ferry_exporter_export (self->exporter, name, object, owned, policy, NULL));
  ferry_exporter_export_type (self->exporter, owned, policy);
}

static void
set_up (Scene *self, GMainContext *context, FerryCallPolicy policy)
{
  FerryInterface *rows = ferry_interface_new ("fuzz.List", G_TYPE_LIST_STORE);

  ferry_interface_set_list (rows, fuzz_node_get_row, NULL, NULL);
  ferry_interface_accept_items (rows, fuzz_node_make_item, NULL, NULL);
  self->transport = fuzz_end_new (note_sent, self);
  self->exporter = ferry_exporter_new ();
  self->cancelled = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->windows = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->references = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->given = g_array_new (FALSE, FALSE, sizeof (guint64));
  ferry_exporter_set_context (self->exporter, context);
  self->node = g_object_new (fuzz_node_get_type (), NULL);
  self->node->next = g_object_new (fuzz_leaf_get_type (), NULL);
  self->list = g_list_store_new (fuzz_node_get_type ());
  self->shelf = g_object_new (FUZZ_TYPE_SHELF, NULL);
  g_hash_table_insert (self->shelf->items, g_strdup ("'key'"), g_variant_ref_sink (g_variant_new_int32 (1)));
  export(self, "node", self->node, fuzz_node_create_interface (), policy);
  export(self, "list", self->list, rows, policy);
  export(self, "shelf", self->shelf, fuzz_shelf_create_interface (), policy);
  ferry_exporter_add_function (self->exporter, "give", fuzz_node_give_self, NULL, NULL);
  ferry_exporter_add_function (self->exporter, "hold", fuzz_node_hold, NULL, NULL);
  g_assert_true (ferry_exporter_add_transport (self->exporter, self->transport, NULL));
  ferry_exporter_start (self->exporter);
}

static void
finish (Scene *self, GMainContext *context)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The input is over");
  FerryTransport *transport = self->transport;

  fuzz_end_set_full (transport, FALSE);
  fuzz_end_settle (context);
  while (fuzz_node_let_go ())
    fuzz_end_settle (context);
  if (ferry_transport_get_closed (transport))
    g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
  else
    g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, g_hash_table_size (self->references));
  ferry_transport_end (transport, reason);
  fuzz_end_settle (context);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
  g_assert_finalize_object (self->exporter);
  fuzz_end_settle (context);
  g_assert_finalize_object (self->transport);
  g_hash_table_unref (self->cancelled);
  g_hash_table_unref (self->windows);
  g_hash_table_unref (self->references);
  g_array_unref (self->given);
  g_assert_finalize_object (self->node);
  g_assert_finalize_object (self->list);
  g_assert_finalize_object (self->shelf);
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
  set_up (&scene, context, (data[0] & 1) != 0 ? FERRY_CALL_POLICY_CONCURRENT : FERRY_CALL_POLICY_SERIAL);
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
