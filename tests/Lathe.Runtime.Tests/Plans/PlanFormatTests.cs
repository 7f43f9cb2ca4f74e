using System.Buffers.Binary;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Simulation;

namespace Lathe.Runtime.Tests.Plans;

public sealed class PlanFormatTests
{
    [Test]
    public void Read_WhatWriteWrote_IsTheSamePlan([Values("sample", "prepared", "hetero")] string sort)
    {
        Plan plan = sort switch
        {
            "sample" => Sample(),
            "prepared" => PlanBuilder.Prepared(),
            _ => PlanBuilder.Hetero() with { CarriesFallback = false, RequiresDevice = true },
        };
        Plan read = PlanFormat.Read(PlanFormat.Write(plan));
        Assert.That(Describe(read), Is.EqualTo(Describe(plan)));
    }

    [Test]
    public void Write_SamePlanTwice_GivesTheSameBytes()
    {
        using MemoryStream stream = new();
        PlanFormat.Write(Sample(), stream);
        Assert.That(stream.ToArray(), Is.EqualTo(PlanFormat.Write(Sample())));
    }

    [Test]
    public void Read_AnyPrefix_IsRefused()
    {
        byte[] bytes = PlanFormat.Write(Sample());
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] prefix = bytes[..length];
            Assert.That(() => PlanFormat.Read(prefix), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"), $"{length} bytes");
        }
    }

    [Test]
    public void Read_AnyPrefixWithAMatchingHeader_IsRefused([Values] bool isHetero)
    {
        byte[] bytes = PlanFormat.Write(isHetero ? PlanBuilder.Hetero() : Sample());
        for (int length = 24; length < bytes.Length; length++)
        {
            byte[] prefix = Sealed(bytes[..length]);
            Assert.That(() => PlanFormat.Read(prefix), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"), $"{length} bytes");
        }
    }

    [Test]
    public void Read_AnyFlippedBit_IsRefused()
    {
        byte[] bytes = PlanFormat.Write(Sample());
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(() => PlanFormat.Read(bytes), Throws.TypeOf<LatheException>(), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Test]
    public void Read_RandomDamageWithAMatchingHeader_IsRefusedOrLoadsAndCreatesARequest([Values] bool isHetero)
    {
        byte[] original = PlanFormat.Write(isHetero ? PlanBuilder.Hetero() : Sample());
        Random random = new(20240607);
        int refused = 0, accepted = 0;
        for (int round = 0; round < 5000; round++)
        {
            byte[] bytes = [.. original];
            for (int damage = random.Next(1, 4); damage > 0; damage--)
            {
                int at = random.Next(24, bytes.Length);
                bytes[at] = Damaged(random, bytes[at]);
            }

            Sealed(bytes);
            try
            {
                PlanFormat.Read(bytes);
                accepted++;

                // Damage to a size may leave a plan that is sound but asks for much memory: the request is made or refused, nothing else.
                using CompiledModel model = CompiledModel.Create(new TestModule(bytes, new byte[4]) { Device = setup => SimulatedModel.Load(setup, TestKernels.Address, new SimulationProfile()) });
                model.CreateRequest().Dispose();
            }
            catch (LatheException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(500));
        Assert.That(accepted, Is.GreaterThan(10), "the damage must also reach what comes after the checks");
    }

    [Test]
    public void Read_AnotherVersion_IsLathe0502()
    {
        byte[] bytes = PlanFormat.Write(Sample());
        bytes[8]++;
        Assert.That(() => PlanFormat.Read(bytes), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0502"));
    }

    [Test]
    public void Read_HugeCount_TakesNoMemory()
    {
        // A name of no bytes, then 2^40 symbols.
        byte[] bytes = new byte[32];
        PlanFormat.Write(Sample()).AsSpan(0, 24).CopyTo(bytes);
        bytes[24] = 0;
        for (int i = 25; i < 30; i++) bytes[i] = 0x80;
        bytes[30] = 0x40;
        Sealed(bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => PlanFormat.Read(bytes), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [Test]
    public void Write_BranchesNestedTooDeeply_IsRefused()
    {
        PlanBuilder builder = new();
        int condition = builder.Input("c", ElementType.Bool);
        PlanStep step = new IfStep("leaf", "If", condition, [], []);
        for (int i = 0; i < 100; i++) step = new IfStep($"if_{i}", "If", condition, [step], []);
        builder.Steps.Add(step);
        Assert.That(() => PlanFormat.Write(builder.Build()), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
    }

    private static byte Damaged(Random random, byte value) => random.Next(3) switch
    {
        0 => (byte)random.Next(256),
        1 => (byte)(value ^ (1 << random.Next(8))),
        _ => (byte)(value + random.Next(-2, 3)),
    };

    /// <summary>Writes the length and checksum that the header wants.</summary>
    private static byte[] Sealed(byte[] bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), bytes.Length - 24);
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes.AsSpan(24)) hash = unchecked((hash ^ b) * 1099511628211);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), hash);
        return bytes;
    }

    private static Plan Sample()
    {
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 0, 64, 3), h = b.Symbol("höhe", 1, 1000, 7);
        int c = b.Input("condition", ElementType.Bool), x = b.Input("x", n, 4, h), y = b.Output("y", n);
        int t = b.Arena(PlanBuilder.Times(n, 64)), w = b.Weights(0, 4);
        int scale = b.Kernel(TestKernels.Scale, PlanBuilder.Dim(0), PlanBuilder.Times(PlanBuilder.Dim(0), 8));
        int add = b.Kernel(TestKernels.Add, isas: Isa.Vector128);
        b.Steps.Add(b.Step("first", scale, [n, -5], t, x, w) with { Macs = long.MaxValue, Traffic = n });
        b.Steps.Add(new IfStep("if", "If", c, [b.Step("then", add, [n], y, t, t)], [new IfStep("inner", "If", c, [], [b.Step("else", scale, [n], y, t, w)])]));
        Plan plan = b.Build("modèle");
        PlanSymbol stride = new("rows", 1, 1L << 40, 1, IsComputed: true);
        return plan with
        {
            Symbols = [.. plan.Symbols, stride],
            Inputs = [plan.Inputs[0], plan.Inputs[1] with { Strides = [2, -1, -1], Preprocessing = "u8,NHWC,BGR" }],
            Outputs = [plan.Outputs[0] with { Labels = ["chat", "", "écureuil"] }],
        };
    }

    /// <summary>Everything in a plan as text.</summary>
    private static string Describe(Plan plan) => System.Text.Json.JsonSerializer.Serialize(new
    {
        plan.Model,
        plan.Symbols,
        plan.Inputs,
        plan.Outputs,
        plan.Buffers,
        plan.Kernels,
        Steps = plan.Steps.Select(Describe),
        plan.ArenaBytes,
        plan.WeightBytes,
        Preparation = plan.Preparation.Select(Describe),
        plan.PreparedBytes,
        plan.Device,
        plan.Accelerators,
        plan.CarriesFallback,
        plan.RequiresDevice,
    });

    private static object Describe(PlanStep step) => step switch
    {
        IfStep branch => new { branch.Node, branch.Op, branch.Subgraph, branch.Condition, Then = branch.Then.Select(Describe), Else = branch.Else.Select(Describe) },
        _ => step,
    };
}
