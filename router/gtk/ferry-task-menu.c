/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The menu of a list of tasks. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-menu-private.h"

#include "gtk/ferry-task-row.h"
#include "gtk/ferry-translation-private.h"

/* Where the menu has what pauses and resumes. */
#define PAUSE_PLACE 5

struct _FerryTaskMenu
{
  GObject parent_instance;

  GtkWidget *owner;   /* (unowned) */
  GtkWidget *popover; /* (nullable) (unowned): of the owner; none after the end */
  GMenu *task_menu;   /* (owned): its part for tasks */
};

enum
{
  ASKED,
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryTaskMenu, ferry_task_menu, G_TYPE_OBJECT)

/* With its key, the menu would be wider than a telephone with text of twice the size. */
static void
insert_item (GMenu *section, int place, const char *words, const char *action)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (words, action);

  g_menu_item_set_attribute (item, "hidden-when", "s", "action-disabled");
  g_menu_item_set_attribute (item, "accel", "s", "");
  g_menu_insert_item (section, place, item);
}

static void
add_item (GMenu *section, const char *words, const char *action)
{
  insert_item (section, -1, words, action);
}

static void
pressed_cb (FerryTaskMenu *self, int n_presses, double x, double y, GtkGesture *gesture)
{
  GtkWidget *picked = gtk_widget_pick (self->owner, x, y, GTK_PICK_DEFAULT);

  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  g_signal_emit (self, signals[ASKED], 0, picked != NULL ? gtk_widget_get_ancestor (picked, FERRY_TYPE_TASK_ROW) : NULL,
                 x, y);
}

static void
long_pressed_cb (FerryTaskMenu *self, double x, double y, GtkGesture *gesture)
{
  pressed_cb (self, 1, x, y, gesture);
}

static void
closed_cb (FerryTaskMenu *self)
{
  g_signal_emit (self, signals[CLOSED], 0);
}

static GtkWidget *
make_popover (FerryTaskMenu *self)
{
  g_autoptr (GMenu) menu = g_menu_new (), list = g_menu_new ();
  GMenu *tasks = self->task_menu;
  GtkWidget *popover;

  add_item (tasks, _ ("Details"), "task.show-error");
  add_item (tasks, _ ("Copy Error"), "task.copy-error");
  add_item (tasks, _ ("Run Next"), "task.run-next");
  add_item (tasks, _ ("Move Up"), "task.move-up");
  add_item (tasks, _ ("Move Down"), "task.move-down");
  add_item (tasks, _ ("Pause"), "task.pause");
  add_item (tasks, _ ("Cancel"), "task.cancel");
  add_item (tasks, _ ("Run Again"), "task.retry");
  add_item (tasks, _ ("Remove"), "task.remove");
  add_item (list, _ ("Pause All"), "task.pause-all");
  add_item (list, _ ("Cancel All"), "task.cancel-all");
  add_item (list, _ ("Run Failed Again"), "task.retry-all");
  add_item (list, _ ("Clear Finished"), "task.clear-finished");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (tasks));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (list));
  popover = gtk_popover_menu_new_from_model (G_MENU_MODEL (menu));
  gtk_popover_set_has_arrow (GTK_POPOVER (popover), FALSE);
  g_signal_connect_object (popover, "closed", G_CALLBACK (closed_cb), self, G_CONNECT_SWAPPED);
  return popover;
}

static void
ferry_task_menu_finalize (GObject *object)
{
  g_object_unref (FERRY_TASK_MENU (object)->task_menu);
  G_OBJECT_CLASS (ferry_task_menu_parent_class)->finalize (object);
}

static void
ferry_task_menu_class_init (FerryTaskMenuClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_menu_finalize;
  signals[ASKED] = g_signal_new ("asked", FERRY_TYPE_TASK_MENU, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                                 FERRY_TYPE_TASK_ROW, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
  signals[CLOSED] =
    g_signal_new ("closed", FERRY_TYPE_TASK_MENU, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_task_menu_init (FerryTaskMenu *self)
{
  self->task_menu = g_menu_new ();
}

FerryTaskMenu *
ferry_task_menu_new (GtkWidget *owner)
{
  FerryTaskMenu *self = g_object_new (FERRY_TYPE_TASK_MENU, NULL);
  GtkGesture *click = gtk_gesture_click_new (), *press = gtk_gesture_long_press_new ();

  self->owner = owner;
  self->popover = make_popover (self);
  gtk_widget_set_parent (self->popover, owner);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect_object (click, "pressed", G_CALLBACK (pressed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (press, "pressed", G_CALLBACK (long_pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (owner, GTK_EVENT_CONTROLLER (click));
  gtk_widget_add_controller (owner, GTK_EVENT_CONTROLLER (press));
  return self;
}

void
ferry_task_menu_end (FerryTaskMenu *self)
{
  g_clear_pointer (&self->popover, gtk_widget_unparent);
}

void
ferry_task_menu_open (FerryTaskMenu *self, gboolean resumes, double x, double y)
{
  g_menu_remove (self->task_menu, PAUSE_PLACE);
  insert_item (self->task_menu, PAUSE_PLACE, resumes ? _ ("Resume") : _ ("Pause"), "task.pause");
  gtk_popover_set_pointing_to (GTK_POPOVER (self->popover), &(GdkRectangle){(int) x, (int) y, 1, 1});
  gtk_popover_popup (GTK_POPOVER (self->popover));
}
