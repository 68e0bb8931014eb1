/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica of a list: the list model, and what it says of itself.
 *
 * Owner:   its rows are owned by whoever holds them, and the latest ones by it.
 * Threads: the one that made it. */

#include "config.h"

#include "object/ferry-list-replica-private.h"

#include "object/ferry-list-row-private.h"
#include "object/ferry-object-message-private.h"

#define DEFAULT_PAGE_SIZE 128
#define DEFAULT_CACHE_SIZE 8192

/**
 * FerryListReplica:
 *
 * A list of another process as a [iface@Gio.ListModel], however long it is.
 *
 * The other process exports an object that is a list model and has rows ([method@Ferry.Interface.set_list]). The
 * replica has its length at once, and its rows as they are looked at: an item is a [class@Ferry.ListRow], empty until
 * its page came. Put it into a selection model and a list view, and bind [property@Ferry.ListRow:value] in the factory:
 *
 * ```c
 * static void
 * bind_cb (GtkListItemFactory *factory, GtkListItem *item)
 * {
 *   g_object_bind_property_full (gtk_list_item_get_item (item), "value", gtk_list_item_get_child (item), "label",
 *                                G_BINDING_SYNC_CREATE, value_to_text, NULL, NULL, NULL);
 * }
 * ```
 *
 * Rows are asked for in pages, of which four are under way at most, the newest wish first. Who scrolls past a million
 * rows asks for those where the scrolling ends, since a row that nobody holds any more is not asked for. What came is
 * kept for as long as somebody holds it; beside that, the latest [property@Ferry.ListReplica:cache-size] rows are.
 * While a row is held or kept, it is the same object whenever it is asked for.
 *
 * Changes of the other list come one by one, in their order: rows behind a change keep their objects, and what it costs
 * depends on the rows that are held and kept, and not on the length.
 *
 * When the exporter stops, or the process ends, the list stays as it was, and [property@Ferry.ListReplica:following] is
 * %FALSE; rows that were not there stay empty. When the exporter listens again, all rows are replaced by those of the
 * new list.
 *
 * Of a list of more than %G_MAXUINT rows the first %G_MAXUINT are shown.
 *
 * It is for the thread that made it, and for the main context that was that thread's default one then.
 *
 * Since: 0.1
 */

enum
{
  PROP_0,
  PROP_PROXY,
  PROP_FOLLOWING,
  PROP_ERROR,
  PROP_N_ITEMS,
  PROP_PAGE_SIZE,
  PROP_CACHE_SIZE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryListReplica, ferry_list_replica, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- the list model ---- */

guint
ferry_list_replica_clip (guint64 length)
{
  return (guint) MIN (length, G_MAXUINT);
}

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_LIST_ROW;
}

static guint
get_n_items (GListModel *model)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (model);

  return ferry_home_check (self->home, "g_list_model_get_n_items") ? ferry_list_replica_clip (self->length) : 0;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (model);
  g_autoptr (GPtrArray) dropped = NULL;
  FerryListRow *row;

  if (!ferry_home_check (self->home, "g_list_model_get_item") || position >= ferry_list_replica_clip (self->length))
    return NULL;
  dropped = g_ptr_array_new_with_free_func (g_object_unref);
  row = ferry_row_table_get (&self->table, position);
  ferry_row_table_want (&self->table, row, dropped);
  ferry_list_replica_schedule (self);
  return row;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

void
ferry_list_replica_notify_n_items (FerryListReplica *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ITEMS]);
}

/* ---- what it says of itself ---- */

void
ferry_list_replica_take_error (FerryListReplica *self, GError *error)
{
  gboolean changed = error != NULL || self->error != NULL;

  g_clear_error (&self->error);
  self->error = error;
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
}

void
ferry_list_replica_set_following (FerryListReplica *self, gboolean following)
{
  if (self->following == following)
    return;
  self->following = following;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLLOWING]);
}

/* ---- the object ---- */

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  switch (id)
    {
    case PROP_PROXY:
      g_value_set_object (value, self->proxy);
      break;
    case PROP_FOLLOWING:
      g_value_set_boolean (value, ferry_list_replica_get_following (self));
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, ferry_list_replica_get_error (self));
      break;
    case PROP_N_ITEMS:
      ferry_return_if_elsewhere (self->home);
      g_value_set_uint (value, ferry_list_replica_clip (self->length));
      break;
    case PROP_PAGE_SIZE:
      g_value_set_uint (value, ferry_list_replica_get_page_size (self));
      break;
    case PROP_CACHE_SIZE:
      g_value_set_uint (value, ferry_list_replica_get_cache_size (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  switch (id)
    {
    case PROP_PROXY:
      self->proxy = g_value_dup_object (value);
      break;
    case PROP_PAGE_SIZE:
      ferry_list_replica_set_page_size (self, g_value_get_uint (value));
      break;
    case PROP_CACHE_SIZE:
      ferry_list_replica_set_cache_size (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ferry_list_replica_constructed (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->constructed (object);

  self->context = g_main_context_ref_thread_default ();
  self->home = self->table.home = ferry_home_new_here ();
  if (self->proxy == NULL)
    return;
  self->source = &ferry_list_source_proxy;
  self->end = self->proxy;
  ferry_list_replica_open (self);
}

static void
ferry_list_replica_dispose (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  ferry_list_replica_close (self);
  ferry_list_replica_cancel_fetches (self);
  if (self->asking != NULL)
    g_source_destroy (self->asking);
  g_clear_pointer (&self->asking, g_source_unref);
  self->following = FALSE;
  self->length = 0;
  ferry_row_table_reset (&self->table, dropped);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->dispose (object);
}

static void
ferry_list_replica_finalize (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  ferry_row_table_clear (&self->table);
  g_clear_error (&self->error);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_clear_object (&self->proxy);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->finalize (object);
}

static void
install_state_properties (GObjectClass *object_class)
{
  /**
   * FerryListReplica:following: (getter get_following)
   *
   * Whether the list is that of the other process, and is told of its changes.
   *
   * Since: 0.1
   */
  properties[PROP_FOLLOWING] =
    g_param_spec_boolean ("following", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListReplica:error: (getter get_error)
   *
   * The latest fault: why rows that were asked for stay empty, or why the list is not followed. %NULL when there was
   * none since it is followed. Rows that stay empty are asked for again when somebody gets them from the list again.
   *
   * It is of another process' domain and code where the fault is there. %FERRY_ERROR_PROTOCOL says that the other end
   * broke a rule, after which the list is not followed any more: its exporter's model tells of changes that cannot be.
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] =
    g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListReplica:n-items:
   *
   * How many rows there are, at most %G_MAXUINT; 0 until the other process told of it.
   *
   * Since: 0.1
   */
  properties[PROP_N_ITEMS] =
    g_param_spec_uint ("n-items", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

static void
ferry_list_replica_class_init (FerryListReplicaClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_list_replica_constructed;
  object_class->dispose = ferry_list_replica_dispose;
  object_class->finalize = ferry_list_replica_finalize;
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  install_state_properties (object_class);
  /**
   * FerryListReplica:proxy: (getter get_proxy)
   *
   * What stands for the other process' list.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY] = g_param_spec_object ("proxy", NULL, NULL, FERRY_TYPE_PROXY,
                                                G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListReplica:page-size: (getter get_page_size) (setter set_page_size)
   *
   * How many rows are asked for at a time.
   *
   * Since: 0.1
   */
  properties[PROP_PAGE_SIZE] = g_param_spec_uint ("page-size", NULL, NULL, 1, FERRY_ROWS_MAX, DEFAULT_PAGE_SIZE,
                                                  G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListReplica:cache-size: (getter get_cache_size) (setter set_cache_size)
   *
   * How many rows are kept that nobody needs to hold, those that were looked at last.
   *
   * Since: 0.1
   */
  properties[PROP_CACHE_SIZE] =
    g_param_spec_uint ("cache-size", NULL, NULL, 0, G_MAXUINT, DEFAULT_CACHE_SIZE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_list_replica_init (FerryListReplica *self)
{
  self->page_size = DEFAULT_PAGE_SIZE;
  ferry_row_table_init (&self->table, DEFAULT_CACHE_SIZE);
}

FerryListReplica *
ferry_list_replica_new_from (const FerryListSource *source, gpointer end)
{
  FerryListReplica *self = g_object_new (FERRY_TYPE_LIST_REPLICA, NULL);

  self->source = source;
  self->end = end;
  ferry_list_replica_open (self);
  return self;
}

/**
 * ferry_list_replica_new:
 * @proxy: what stands for the other process' list
 *
 * Makes a replica of a list, which is empty until the other process told of it: wait for
 * [property@Ferry.ListReplica:following].
 *
 * An object that is no list, or does not exist, is seen by [property@Ferry.ListReplica:error]. Any thread, which has
 * the replica from then on.
 *
 * Returns: (transfer full): a new replica
 *
 * Since: 0.1
 */
FerryListReplica *
ferry_list_replica_new (FerryProxy *proxy)
{
  g_return_val_if_fail (FERRY_IS_PROXY (proxy), NULL);

  return g_object_new (FERRY_TYPE_LIST_REPLICA, "proxy", proxy, NULL);
}

/**
 * ferry_list_replica_get_proxy: (get-property proxy)
 * @self: a replica
 *
 * Gets what stands for the other process' list. Any thread.
 *
 * Returns: (transfer none): its proxy
 *
 * Since: 0.1
 */
FerryProxy *
ferry_list_replica_get_proxy (FerryListReplica *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_REPLICA (self), NULL);

  return self->proxy;
}

/**
 * ferry_list_replica_get_following: (get-property following)
 * @self: a replica
 *
 * Tells whether the list is that of the other process, and is told of its changes. On the thread that made the replica.
 *
 * Returns: %FALSE before the list came, and while its exporter does not listen
 *
 * Since: 0.1
 */
gboolean
ferry_list_replica_get_following (FerryListReplica *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_REPLICA (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->following;
}

/**
 * ferry_list_replica_get_error: (get-property error)
 * @self: a replica
 *
 * Gets the latest fault: why rows stay empty, or why the list is not followed. On the thread that made the replica.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL when there was none since the list is followed
 *
 * Since: 0.1
 */
const GError *
ferry_list_replica_get_error (FerryListReplica *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_REPLICA (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->error;
}

/**
 * ferry_list_replica_set_page_size: (set-property page-size)
 * @self: a replica
 * @page_size: how many rows to ask for at a time, 1 to 1024
 *
 * Says how many rows are asked for at a time, from now on. On the thread that made the replica.
 *
 * Since: 0.1
 */
void
ferry_list_replica_set_page_size (FerryListReplica *self, guint page_size)
{
  g_return_if_fail (FERRY_IS_LIST_REPLICA (self));
  g_return_if_fail (page_size >= 1 && page_size <= FERRY_ROWS_MAX);
  ferry_return_if_elsewhere (self->home);

  if (self->page_size == page_size)
    return;
  self->page_size = page_size;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAGE_SIZE]);
}

/**
 * ferry_list_replica_get_page_size: (get-property page-size)
 * @self: a replica
 *
 * Gets how many rows are asked for at a time. On the thread that made the replica.
 *
 * Returns: 1 to 1024
 *
 * Since: 0.1
 */
guint
ferry_list_replica_get_page_size (FerryListReplica *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_REPLICA (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->page_size;
}

/**
 * ferry_list_replica_set_cache_size: (set-property cache-size)
 * @self: a replica
 * @cache_size: how many rows to keep, 0 for none
 *
 * Says how many rows are kept that nobody needs to hold. Where it is less than before, the rest goes at once. On the
 * thread that made the replica.
 *
 * Since: 0.1
 */
void
ferry_list_replica_set_cache_size (FerryListReplica *self, guint cache_size)
{
  g_autoptr (GPtrArray) dropped = NULL;

  g_return_if_fail (FERRY_IS_LIST_REPLICA (self));
  ferry_return_if_elsewhere (self->home);

  if (self->table.cache_size == cache_size)
    return;
  dropped = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_row_table_set_cache_size (&self->table, cache_size, dropped);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CACHE_SIZE]);
}

/**
 * ferry_list_replica_get_cache_size: (get-property cache-size)
 * @self: a replica
 *
 * Gets how many rows are kept that nobody needs to hold. On the thread that made the replica.
 *
 * Returns: how many rows
 *
 * Since: 0.1
 */
guint
ferry_list_replica_get_cache_size (FerryListReplica *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_REPLICA (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->table.cache_size;
}
