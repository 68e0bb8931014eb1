/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list model of numbers, none of them twice. Its items are made when they are asked for. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

#define NUMBER_TYPE_LIST (number_list_get_type ())

G_DECLARE_FINAL_TYPE (NumberList, number_list, NUMBER, LIST, GObject)

NumberList *number_list_new (guint length);
guint64 number_list_get (NumberList *self, guint position);
/* New numbers take the place of those that go. */
void number_list_splice (NumberList *self, guint position, guint n_removed, guint n_added);
/* How many items were ever asked for. */
guint number_list_get_n_made (NumberList *self);
/* A FerryRowFunc of its items. */
GVariant *number_list_get_row (GObject *item, gpointer user_data, GError **error);

G_END_DECLS
