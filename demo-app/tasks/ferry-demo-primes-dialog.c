/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-primes-dialog.h"

#include "tasks/ferry-demo-spec.h"

struct _FerryDemoPrimesDialog
{
  GtkWindow parent_instance;

  GtkAdjustment *adjustment;
  GtkWidget *limit_button;
};

typedef enum
{
  SIGNAL_CHOSEN,
  N_SIGNALS
} FerryDemoPrimesDialogSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoPrimesDialog, ferry_demo_primes_dialog, GTK_TYPE_WINDOW)

static void
start_cb (FerryDemoPrimesDialog *self)
{
  gtk_spin_button_update (GTK_SPIN_BUTTON (self->limit_button));
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0,
                 (guint64) gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->limit_button)));
  gtk_window_destroy (GTK_WINDOW (self));
}

static void
ferry_demo_primes_dialog_class_init (FerryDemoPrimesDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  signals[SIGNAL_CHOSEN] = g_signal_new ("chosen", FERRY_DEMO_TYPE_PRIMES_DIALOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-primes-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoPrimesDialog, adjustment);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoPrimesDialog, limit_button);
  gtk_widget_class_bind_template_callback (widget_class, start_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ferry_demo_primes_dialog_init (FerryDemoPrimesDialog *self)
{
  GtkEditable *text;

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_adjustment_set_upper (self->adjustment, (double) FERRY_DEMO_PRIMES_MAX);

  /* A spin button has no such property of its own before GTK 4.14. */
  text = gtk_editable_get_delegate (GTK_EDITABLE (self->limit_button));
  gtk_text_set_activates_default (GTK_TEXT (text), TRUE);
}

GtkWidget *
ferry_demo_primes_dialog_new (GtkWindow *parent)
{
  return g_object_new (FERRY_DEMO_TYPE_PRIMES_DIALOG, "transient-for", parent, NULL);
}
