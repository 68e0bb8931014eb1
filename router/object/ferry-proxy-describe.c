/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an object's interface has: asked once for each object, as long as the exporter is the same. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-error.h"
#include "object/ferry-interface-private.h"

/* What the description is kept under: all objects known by reference have their interface's. */
static char *
dup_key (FerryProxy *self)
{
  return self->generation != 0 && self->interface != NULL ? g_strconcat ("#", self->interface, NULL)
                                                          : g_strconcat ("/", self->name, NULL);
}

GDBusInterfaceInfo *
ferry_proxy_dup_info (FerryProxy *self)
{
  g_autofree char *key = NULL;

  if (self->link == NULL)
    return NULL;
  key = dup_key (self);
  return ferry_proxy_link_dup_info (self->link, key);
}

static GDBusInterfaceInfo *
describe_here (FerryProxy *self, GError **error)
{
  g_autoptr (FerryExported) exported = ferry_proxy_find_exported (self, error);

  if (exported != NULL && exported->interface == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT, "A value has no description");
  return exported != NULL && exported->interface != NULL ? ferry_interface_create_info (exported->interface) : NULL;
}

static GDBusInterfaceInfo *
take (FerryProxy *self, guint64 edition, GVariant *description, GError **error)
{
  GDBusInterfaceInfo *info = ferry_description_to_info (description, error);
  g_autofree char *key = dup_key (self);

  if (info != NULL)
    ferry_proxy_link_set_info (self->link, key, edition, info);
  return info;
}

static GVariant *
new_request (FerryProxy *self)
{
  FerryObjectRoot root;

  ferry_proxy_get_root (self, &root);
  return g_variant_new ("(stt)", root.name, root.generation, root.number);
}

/**
 * ferry_proxy_describe:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Gives the description of the object's interface: methods, properties, signals. It is asked for once, until
 * names change at the other end; from then on a member that is not in it costs no trip.
 *
 * Threads and errors are those of [method@Ferry.View.resolve]; %FERRY_ERROR_PROTOCOL where what comes is no
 * description.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL with an error
 *
 * Since: 0.1
 */
GDBusInterfaceInfo *
ferry_proxy_describe (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) description = NULL;
  GDBusInterfaceInfo *info;
  guint64 edition;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);

  if (self->link == NULL)
    return describe_here (self, error);
  info = ferry_proxy_dup_info (self);
  if (info != NULL)
    return info;
  edition = ferry_proxy_link_get_edition (self->link);
  if (!ferry_proxy_link_check_listening (self->link, error) ||
      !ferry_mux_transact (ferry_proxy_link_get_mux (self->link), FERRY_OBJECT_METHOD_DESCRIBE, new_request (self),
                           timeout, cancellable, &description, error))
    return NULL;
  return take (self, edition, description, error);
}

static void
described_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  FerryProxy *self = g_task_get_source_object (task);
  g_autoptr (GVariant) description = NULL;
  GDBusInterfaceInfo *info = NULL;
  GError *error = NULL;

  if (ferry_mux_transact_finish (FERRY_MUX (mux), result, &description, &error))
    info = take (self, *(guint64 *) g_task_get_task_data (task), description, &error);
  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else
    g_task_return_error (task, error);
}

/**
 * ferry_proxy_describe_async:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the description is there
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.describe], without waiting. Any thread.
 *
 * Since: 0.1
 */
void
ferry_proxy_describe_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GDBusInterfaceInfo *info;
  GError *error = NULL;
  guint64 edition;

  g_return_if_fail (FERRY_IS_PROXY (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_proxy_describe_async);
  info = self->link == NULL ? describe_here (self, &error) : ferry_proxy_dup_info (self);
  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else if (error != NULL || !ferry_proxy_link_check_listening (self->link, &error))
    g_task_return_error (task, error);
  else
    {
      edition = ferry_proxy_link_get_edition (self->link);
      g_task_set_task_data (task, g_memdup2 (&edition, sizeof edition), g_free);
      ferry_mux_transact_async (ferry_proxy_link_get_mux (self->link), FERRY_OBJECT_METHOD_DESCRIBE, new_request (self),
                                timeout, cancellable, described_cb, g_steal_pointer (&task));
    }
}

/**
 * ferry_proxy_describe_finish:
 * @self: a proxy
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.describe_async]; fails as [method@Ferry.Proxy.describe] does. Any thread.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL with an error
 *
 * Since: 0.1
 */
GDBusInterfaceInfo *
ferry_proxy_describe_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
