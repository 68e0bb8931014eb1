/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "conversation/ferry-invocation.h"

G_BEGIN_DECLS

#define FERRY_TYPE_INTERFACE (ferry_interface_get_type ())

/**
 * FerryMethodFunc: (skip)
 * @object: (type GObject.Object): the object
 * @invocation: (transfer none): the call to answer; take a reference to answer it later
 * @user_data: (nullable) (closure): the data that was set with the function; %NULL for a function of the class
 *
 * A method of an exported object, or a function that an object is passed to.
 */
typedef void (*FerryMethodFunc) (gpointer object, FerryInvocation *invocation, gpointer user_data);

/**
 * FerryMethodFuncFull:
 * @object: the object
 * @invocation: (transfer none): the call to answer, an object: whoever keeps it may answer later
 * @user_data: (nullable) (closure): the data that was set with the function
 * @error: return location for an error
 *
 * A [callback@Ferry.MethodFunc] that may fail. Its error is the answer, unless there is one already.
 */
typedef void (*FerryMethodFuncFull) (GObject *object, FerryInvocation *invocation, gpointer user_data, GError **error);

/**
 * FerryContainerFuncs:
 * @get_item: (nullable): gets the item of a key: sets either @value (transfer full), or @item, an exported object
 * (transfer full)
 * @set_item: (nullable): sets the item of a key, or adds an item if the key has none
 * @delete_item: (nullable): removes the item of a key
 * @contains: (nullable): sets @contains to whether an item has the key; for a list, whether an item has the value
 * @get_length: (nullable): sets @length to the number of items
 *
 * The operations of an exported object that is a container. Each returns %FALSE with an error on failure. An operation
 * that is %NULL is not offered. Keys and values come from another process: the functions must check their types.
 */
typedef struct
{
  gboolean (*get_item) (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data,
                        GError **error);
  gboolean (*set_item) (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error);
  gboolean (*delete_item) (gpointer object, GVariant *key, gpointer user_data, GError **error);
  gboolean (*contains) (gpointer object, GVariant *key, gboolean *contains, gpointer user_data, GError **error);
  gboolean (*get_length) (gpointer object, guint64 *length, gpointer user_data, GError **error);
} FerryContainerFuncs;

/**
 * FerryRowFunc:
 * @item: an item of the list
 * @user_data: (closure): the data that was set with the function
 * @error: return location for an error
 *
 * Makes the row of a list's item: the value that other processes get for the item. With an error, which is logged, they
 * get an empty tuple.
 *
 * Returns: (transfer full) (nullable): a value, which may be floating; %NULL with an error
 */
typedef GVariant *(*FerryRowFunc) (GObject *item, gpointer user_data, GError **error);

/**
 * FerryRowItemFunc:
 * @value: the value that another process sends for an item
 * @user_data: (closure): the data that was set with the function
 * @error: return location for an error
 *
 * Makes an item of a list from a value that another process sent.
 *
 * Returns: (transfer full) (nullable): the item, or %NULL with an error
 */
typedef GObject *(*FerryRowItemFunc) (GVariant *value, gpointer user_data, GError **error);

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryInterface, ferry_interface, FERRY, INTERFACE, GObject)

FERRY_AVAILABLE_IN_0_1
FerryInterface *ferry_interface_new (const char *name, GType type) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_method (FerryInterface *self, const char *name, const char *in_signature,
                                 const char *out_signature, FerryMethodFunc func, gpointer user_data,
                                 GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_method_full (FerryInterface *self, const char *name, const char *in_signature,
                                      const char *out_signature, FerryMethodFuncFull func, gpointer user_data,
                                      GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_class_method (FerryInterface *self, const char *name, const char *in_signature,
                                       const char *out_signature, gsize class_offset);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_property (FerryInterface *self, const char *name, GDBusPropertyInfoFlags access);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_signal (FerryInterface *self, const char *name);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_add_all (FerryInterface *self);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_set_container (FerryInterface *self, const FerryContainerFuncs *funcs, gpointer user_data,
                                    GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_set_list (FerryInterface *self, FerryRowFunc get_row, gpointer user_data, GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_interface_accept_items (FerryInterface *self, FerryRowItemFunc make_item, gpointer user_data,
                                   GDestroyNotify destroy);

G_END_DECLS
