/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object that fuzzers export, and its interface. */

#pragma once

#include "object/ferry-interface.h"

G_BEGIN_DECLS

typedef struct
{
  GObject parent_instance;
  int value;     /* 0 to 100 */
  char *label;   /* (owned) (nullable) */
  GObject *next; /* (owned) (nullable) */
} FuzzNode;

GType fuzz_node_get_type (void);
/* A class below it. */
GType fuzz_leaf_get_type (void);
/* How many there are. */
guint fuzz_node_count (void);

/* Properties: value, label, next (can only be read). Signals: told (int). Methods: self () → o; make () → o: a new one;
 * echo (v) → v; hold () → o: itself, later; drop (): does not answer; stranger () → o: no exported type's; add (i) → i:
 * of the class. */
FerryInterface *fuzz_node_create_interface (void);
void fuzz_node_give_self (gpointer node, FerryInvocation *invocation, gpointer user_data);
void fuzz_node_hold (gpointer node, FerryInvocation *invocation, gpointer user_data);
/* Answers the oldest call that is held. Returns FALSE when there is none. */
gboolean fuzz_node_let_go (void);

/* A FerryRowFunc, and a FerryRowItemFunc. */
GVariant *fuzz_node_get_row (GObject *item, gpointer user_data, GError **error);
GObject *fuzz_node_make_item (GVariant *value, gpointer user_data, GError **error);

G_END_DECLS
