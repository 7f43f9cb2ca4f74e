using System.Runtime.ExceptionServices;
using Lathe.Runtime.Devices;
using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <content>How devices are opened, and what is done where one is missing or fails.</content>
public sealed partial class CompiledModel
{
    /// <summary>Opens a request's accelerators, without those that fail.</summary>
    private RequestAccelerator[] Accelerators(ref ModelCode code, long[] dims)
    {
        while (true)
        {
            try
            {
                return RequestAccelerator.Open(code, dims);
            }
            catch (AcceleratorFailure failure)
            {
                if (!Replaces(failure.Device, failure.Reason)) ExceptionDispatchInfo.Throw(failure.Reason);
                code = code.Without(failure.Device, failure.Reason.Message);
            }
        }
    }

    /// <summary>Says whether the CPU stands in for an accelerator that has failed. What it has no memory for may fit the next request; otherwise later requests do without it.</summary>
    private bool Replaces(int number, LatheException reason)
    {
        if (!MayReplace(_code.Plan)) return false;
        lock (_warnings)
        {
            if (reason.Id != ErrorIds.DoesNotFit && _code.DeviceOf(number) is not null) Volatile.Write(ref _code, _code.Without(number, reason.Message));
            AddLost(_code.Plan, number, reason);
            Info = Describe();
        }

        return true;
    }

    private bool MayReplace(Plan plan) => plan.CarriesFallback && !(_options.RequireDevice ?? plan.RequiresDevice);

    /// <summary>Warns once of an error of an accelerator: requests that do not fit may be many, each of another size.</summary>
    private void AddLost(Plan plan, int number, LatheException reason)
    {
        if (_lost.Add((number, reason.Id))) _warnings.Add($"The CPU stands in for {plan.Accelerators[number - 1].Device}: {reason.Message}");
    }

    /// <summary>Opens an accelerator, or has the CPU do its work.</summary>
    private ModelCode Attach(CompiledModule module, ModelCode code, int number, List<DeviceModel> devices)
    {
        try
        {
            DeviceModel device = Open(module, code.Plan, number);
            devices.Add(device);
            return code.With(number, device);
        }
        catch (LatheException e) when (AcceleratorFailure.Is(e) && MayReplace(code.Plan))
        {
            AddLost(code.Plan, number, e);
            return code.Without(number, e.Message);
        }
    }

    private unsafe DeviceModel Open(CompiledModule module, Plan plan, int number)
    {
        DeviceSetup setup = new(plan, (nint)_weights.Pointer, _options.FlushDenormals ?? !plan.KeepsDenormals, _options.Profiling, _options.Isa ?? Isas.FromEnvironment(), ThreadsOf(_options))
        {
            Number = number,
            Prepared = (nint)_weights.Prepared,
        };
        try
        {
            return module.OpenDevice(setup) ?? throw PlanFormat.Corrupt($"the kernel assembly has no kernels for {setup.Device}");
        }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            throw new LatheException(ErrorIds.NoDevice, $"Model '{plan.Model}' runs on {setup.Device}, for which the application lacks an assembly or has another one: {e.Message}", e);
        }
    }

    /// <summary>The threads of the host. Where drivers of accelerators need processors while it computes, it leaves them one.</summary>
    private int HostThreads()
    {
        int threads = ThreadsOf(_options);
        if (_code.Device is { } own) return Math.Max(1, own.Threads);
        return threads > 2 && _code.Accelerators.Any(device => device.DriverThreads > 0) ? threads - 1 : threads;
    }

    private void WarmUp()
    {
        try
        {
            using InferRequest request = CreateRequest();
            request.Infer();
        }
        catch (LatheException e) when (e.Id is ErrorIds.Data or ErrorIds.Kernel)
        {
            _warnings.Add($"The model was not warmed up, as it does not take zeros: {e.Message}");
            Info = Describe();
        }
    }
}
